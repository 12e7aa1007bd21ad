using System.Text;
using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>A grade: points from here on, up to the next higher grade.</summary>
public sealed record Grade(string Name, long FromMicroPoints);

/// <summary>One score of a rule set. Immutable, any thread.</summary>
public sealed class ScoreRule
{
    private readonly DecayClock? _clock;
    private readonly DecayedPoints? _uncapped;
    private readonly CappedEntry[] _capped;
    private readonly byte[][] _gradeNames;

    internal sealed record CappedEntry(CappedWeights Weights, long AddMicro, long CapMicro);

    internal ScoreRule(ScoreSyntax syntax, DecayClock? clock, DecayedPoints? uncapped, CappedEntry[] capped)
    {
        _clock = clock;
        _uncapped = uncapped;
        _capped = capped;
        Name = syntax.Name;
        HalfLifeMs = syntax.HalfLifeMs;
        Grades = syntax.Grades;
        Description = syntax.Description;
        Line = syntax.Place.Line;
        Text = syntax.Text;
        NameUtf8 = Encoding.UTF8.GetBytes(Name);
        _gradeNames = [.. Grades.Select(g => Encoding.UTF8.GetBytes(g.Name))];
    }

    public string Name { get; }
    /// <summary>0: the points never fade.</summary>
    public long HalfLifeMs { get; }
    /// <summary>Highest first.</summary>
    public IReadOnlyList<Grade> Grades { get; }
    public string Description { get; }
    public int Line { get; }
    /// <summary>The rule in canonical form.</summary>
    public string Text { get; }

    /// <summary>Its grade may change by the mere passing of time, so that a timer has to ask again.</summary>
    public bool ChangesByItself => HalfLifeMs > 0 && Grades.Count > 0;

    internal byte[] NameUtf8 { get; }

    /// <summary>The grade of some points; null below the lowest.</summary>
    public string? GradeOf(long microPoints)
    {
        var i = GradeIndex(microPoints);
        return i < 0 ? null : Grades[i].Name;
    }

    internal ReadOnlySpan<byte> GradeUtf8(long microPoints)
    {
        var i = GradeIndex(microPoints);
        return i < 0 ? default : _gradeNames[i];
    }

    /// <summary>A published value brought to another time, in micro points; the same where the score has no half-life.</summary>
    public long Decay(long microPoints, long fromMs, long toMs) =>
        _clock is null ? microPoints : Round(_clock.Decay(microPoints, fromMs, toMs));

    /// <summary>
    /// The place on the board of leads: log2(points) x half-life + the time, in whole milliseconds. It does not depend on when it is
    /// computed, so customers can be compared without decaying them. NaN for scores that are not positive or have no half-life.
    /// </summary>
    internal double Rank(double microPoints, long atMs)
    {
        if (_clock is null || microPoints <= 0) return double.NaN;
        return Math.Round(PowersOfTwo.Log2(microPoints / Micro.One) * HalfLifeMs + atMs);
    }

    /// <summary>The micro points of a customer as of a time, not yet rounded.</summary>
    internal double Read(ShardSet shards, long atMs, PeriodLedger ledger)
    {
        var total = _uncapped?.Read(shards, atMs) ?? 0;
        foreach (var entry in _capped) total += entry.Weights.Read(shards, atMs, entry.AddMicro, entry.CapMicro, ledger);
        return total;
    }

    /// <summary>
    /// When the score, read so as of a time, fades into another grade; <see cref="long.MaxValue"/>: never. To the millisecond, and one
    /// before it where the last bit of a logarithm decides.
    /// </summary>
    internal long NextGradeAt(double microPoints, long atMs)
    {
        if (_clock is null || Grades.Count == 0 || microPoints == 0) return long.MaxValue;
        var grade = GradeIndex(Round(microPoints));
        // Points fade towards 0 and never pass it: from above they lose the floor of their grade, from below they reach that of the next.
        var floor = microPoints > 0 ? grade : (grade < 0 ? Grades.Count : grade) - 1;
        if (floor < 0 || (microPoints > 0 ? Grades[floor].FromMicroPoints <= 0 : Grades[floor].FromMicroPoints > 0)) return long.MaxValue;
        // Published points are rounded, so half a micro point decides.
        var boundary = Math.Abs(Grades[floor].FromMicroPoints) + (microPoints > 0 ? -0.5 : 0.5);
        var sinceMs = PowersOfTwo.Log2(Math.Abs(microPoints) / boundary) * HalfLifeMs;
        // Logarithm and reading err by less than a thousandth of a millisecond at the longest half-life.
        return atMs + Math.Max(1, (long)Math.Ceiling(sinceMs - 0.001));
    }

    /// <summary>The nearest whole micro point, ties to even; what does not fit in 64 bits becomes the nearest that does.</summary>
    internal static long Round(double microPoints) => microPoints switch
    {
        >= long.MaxValue => long.MaxValue,
        <= long.MinValue => long.MinValue,
        _ => (long)Math.Round(microPoints, MidpointRounding.ToEven),
    };

    private int GradeIndex(long microPoints)
    {
        for (var i = 0; i < Grades.Count; i++)
        {
            if (microPoints >= Grades[i].FromMicroPoints) return i;
        }
        return -1;
    }
}
