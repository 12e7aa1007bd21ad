using System.Text;
using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>A grade: points from here on, up to the next higher grade.</summary>
public sealed record Grade(string Name, long FromMicroPoints);

/// <summary>What a score was read as.</summary>
/// <param name="Exact">Micro points before rounding and limits, for the rank.</param>
/// <param name="Grade">Its place in the list of grades; -1 below the lowest.</param>
/// <param name="NextMs">When the grade changes without a new event, or a stepped score's value; <see cref="long.MaxValue"/>: never.</param>
internal readonly record struct ScoreReading(double Exact, long MicroPoints, int Grade, long NextMs);

/// <summary>One score of a rule set. Immutable, any thread.</summary>
public sealed class ScoreRule
{
    private readonly Fading _fading;
    private readonly SummedPoints? _sums;
    private readonly ListedPoints? _list;
    private readonly ScoreGrades _grades;
    private readonly byte[][] _gradeNames;

    /// <param name="sums">Null where single events have to be looked at.</param>
    /// <param name="list">Null where only sums are needed.</param>
    internal ScoreRule(ScoreSyntax syntax, ScoreParts parts, SummedPoints? sums, ListedPoints? list)
    {
        Parts = parts;
        _fading = parts.Fading;
        _sums = sums;
        _list = list;
        _grades = new ScoreGrades(syntax.Grades, syntax.HysteresisMicro);
        Name = syntax.Name;
        HalfLifeMs = syntax.HalfLifeMs;
        MaxMicro = syntax.MaxMicro;
        IsNeverNegative = syntax.IsNeverNegative;
        Grades = syntax.Grades;
        Description = syntax.Description;
        Line = syntax.Place.Line;
        Text = syntax.Text;
        Points = [.. syntax.Points.Select(p => new PointsEntry(p.Text, p.Place.Line))];
        NameUtf8 = Encoding.UTF8.GetBytes(Name);
        _gradeNames = [.. Grades.Select(g => Encoding.UTF8.GetBytes(g.Name))];
    }

    public string Name { get; }
    /// <summary>0: the points do not fade by half-lives.</summary>
    public long HalfLifeMs { get; }
    /// <summary>The points lose worth with age, by half-lives or otherwise.</summary>
    public bool Fades => HalfLifeMs > 0 || _fading.NeedsEvents;
    /// <summary>The points fade in a straight line.</summary>
    public bool FadesEvenly => _fading.IsLinear;
    /// <summary>No value is above it; 0: there is no such limit.</summary>
    public long MaxMicro { get; }
    /// <summary>Values below 0 are 0.</summary>
    public bool IsNeverNegative { get; }
    /// <summary>Highest first.</summary>
    public IReadOnlyList<Grade> Grades { get; }
    public string Description { get; }
    public int Line { get; }
    /// <summary>The rule in canonical form.</summary>
    public string Text { get; }
    /// <summary>What gives points, in the order of the file.</summary>
    public IReadOnlyList<PointsEntry> Points { get; }

    /// <summary>Its grade or value may change by the mere passing of time, so that a timer has to ask again.</summary>
    public bool ChangesByItself => _fading.IsStepped || ((HalfLifeMs > 0 || _fading.IsLinear) && Grades.Count > 0);

    internal byte[] NameUtf8 { get; }
    internal ScoreParts Parts { get; }

    /// <summary>The grade that some points give by themselves; null below the lowest.</summary>
    public string? GradeOf(long microPoints) => NameOf(_grades.Plain(microPoints));

    /// <summary>The grade of a customer who had one and then faded to some points without a new event.</summary>
    public string? GradeOf(long microPoints, string? held)
    {
        var grade = held is null ? -1 : _grades.IndexOf(held);
        return NameOf(_grades.Leaves(grade, microPoints) ? _grades.Plain(microPoints) : grade);
    }

    internal ReadOnlySpan<byte> GradeUtf8(int grade) => grade < 0 ? default : _gradeNames[grade];

    /// <summary>
    /// A published value brought to a later time (or an earlier one), in micro points; the same where the score has no half-life.
    /// </summary>
    public long Decay(long microPoints, long fromMs, long toMs) =>
        _fading.Clock is null ? microPoints : Round(_fading.Clock.Decay(microPoints, fromMs, toMs));

    /// <summary>
    /// The place on the board of leads: log2(points) x half-life + the time, in whole milliseconds. It does not depend on when it is
    /// computed, so customers can be compared without decaying them. NaN for scores that are not positive or have no half-life.
    /// </summary>
    internal double Rank(double microPoints, long atMs)
    {
        if (_fading.Clock is null || microPoints <= 0) return double.NaN;
        return Math.Round(PowersOfTwo.Log2(microPoints / Micro.One) * HalfLifeMs + atMs);
    }

    /// <summary>
    /// From when on a published value fades: a value at its limit stays there until what is behind it has faded to the limit.
    /// </summary>
    /// <param name="rank">As <see cref="Rank"/> gave it.</param>
    internal long FadesFrom(double rank, long atMs)
    {
        if (MaxMicro == 0 || double.IsNaN(rank)) return atMs;
        return Math.Max(atMs, (long)(rank - Math.Round(PowersOfTwo.Log2((double)MaxMicro / Micro.One) * HalfLifeMs)));
    }

    /// <summary>The score of a customer as of a time not before its last event.</summary>
    internal ScoreReading Read(Evaluation v, long atMs)
    {
        _list?.Load(v.Shards, v.Points);
        var exact = _sums?.Read(v.Shards, atMs, v.Ledger, v.GroupLedger) ?? _list!.ValueAt(v.Points, atMs, v.Tally);
        var micro = Limit(exact);
        var grade = _grades.HysteresisMicro == 0 ? _grades.Plain(micro) : HeldGrade(v, micro, atMs);
        return new ScoreReading(exact, micro, grade, NextAt(v, exact, grade, atMs));
    }

    /// <summary>The nearest whole micro point, ties to even; what does not fit in 64 bits becomes the nearest that does.</summary>
    internal static long Round(double microPoints) => microPoints switch
    {
        >= long.MaxValue => long.MaxValue,
        <= long.MinValue => long.MinValue,
        _ => (long)Math.Round(microPoints, MidpointRounding.ToEven),
    };

    private long Limit(double exact)
    {
        var micro = Round(exact);
        if (IsNeverNegative && micro < 0) return 0;
        return MaxMicro > 0 && micro > MaxMicro ? MaxMicro : micro;
    }

    private string? NameOf(int grade) => grade < 0 ? null : Grades[grade].Name;

    // The highest grade that the points give, or that they once gave and have not fallen far enough to lose.
    private int HeldGrade(Evaluation v, long microPoints, long atMs)
    {
        var plain = _grades.Plain(microPoints);
        var end = plain < 0 ? Grades.Count : plain;
        for (var grade = 0; grade < end; grade++)
            if (!_grades.Loses(grade, microPoints) && WasReached(v, grade, atMs)) return grade;
        return plain;
    }

    // Back in time, from turn to turn; between two of them points only fall or only rise, so both ends tell.
    private bool WasReached(Evaluation v, int grade, long atMs)
    {
        var endMs = atMs;
        while (true)
        {
            var startMs = _list!.LastTurn(v.Points, endMs);
            if (startMs == long.MinValue) return _grades.Gives(grade, Limit(0));
            for (var end = 0; end < 2; end++)
            {
                var micro = Limit(_list.ValueAt(v.Points, end == 0 ? endMs : startMs, v.Tally));
                if (_grades.Gives(grade, micro)) return true;
                if (_grades.Loses(grade, micro)) return false;
            }
            endMs = startMs - 1;
        }
    }

    private long NextAt(Evaluation v, double exact, int grade, long atMs)
    {
        if (_fading.IsStepped) return _list!.NextTurn(v.Points, atMs);
        if (Grades.Count == 0) return long.MaxValue;
        if (_fading.IsLinear) return NextOfLinear(v, grade, atMs);
        if (_fading.Clock is null || (IsNeverNegative && exact < 0)) return long.MaxValue;
        return _grades.NextByHalfLife(exact, grade, HalfLifeMs, atMs);
    }

    // Between two turns the points lie on a line, so the moment can be searched for.
    private long NextOfLinear(Evaluation v, int grade, long atMs)
    {
        const int turnsMax = 64;
        // Where points only fall, there is nothing to gain, and one search finds what is lost.
        if (_list!.OnlyFalls) return grade < 0 ? long.MaxValue : Crossing(v, grade, atMs, atMs + _fading.EndsMs);
        var fromMs = atMs;
        for (var turn = 0; turn < turnsMax; turn++)
        {
            var turnMs = _list!.NextTurn(v.Points, fromMs);
            if (turnMs == long.MaxValue) return long.MaxValue;
            if (Crossing(v, grade, fromMs, turnMs) is < long.MaxValue and var crossing) return crossing;
            fromMs = turnMs;
        }
        return fromMs;
    }

    // The first moment at which the grade is left, where it is left once between two moments; MaxValue where it is not.
    private long Crossing(Evaluation v, int grade, long stays, long leaves)
    {
        if (!LeavesAt(v, grade, leaves)) return long.MaxValue;
        while (leaves - stays > 1)
        {
            var middle = stays + (leaves - stays) / 2;
            if (LeavesAt(v, grade, middle)) leaves = middle;
            else stays = middle;
        }
        return leaves;
    }

    private bool LeavesAt(Evaluation v, int grade, long atMs) =>
        _grades.Leaves(grade, Limit(_list!.ValueAt(v.Points, atMs, v.Tally)));
}

/// <summary>One entry of points, as the file has it.</summary>
/// <param name="Text">In canonical form.</param>
/// <param name="Line">Where it stands in the rule file.</param>
public sealed record PointsEntry(string Text, int Line);
