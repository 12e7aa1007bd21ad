using ScrmStream.Events;
using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>What one event gives to a score as of a time.</summary>
/// <param name="Event">The place of the event in the batch.</param>
/// <param name="Points">Which entry of the score, by its place in <see cref="ScoreRule.Points"/>.</param>
/// <param name="AddMicro">What the entry adds.</param>
/// <param name="Kept">What its caps leave of it, from 0 to 1.</param>
/// <param name="Left">What age leaves of it, from 0 to 1.</param>
/// <param name="MicroPoints">What it is worth: the three multiplied, rounded so that all together are the score.</param>
public sealed record LedgerLine(int Event, int Points, long AddMicro, double Kept, double Left, long MicroPoints);

/// <summary>
/// Why a score is what it is: every contribution of a customer's events as of a time. The lines and <see cref="LimitMicro"/> add up to the
/// value, to the micro point; the value itself is the engine's own, made of the same events.
/// </summary>
/// <param name="LimitMicro">What max, min or the limits of what is kept take away or add; 0 for most.</param>
/// <param name="Grade">Null below the lowest.</param>
public sealed record ScoreLedger(IReadOnlyList<LedgerLine> Lines, long LimitMicro, long MicroPoints, string? Grade)
{
    /// <summary>Makes the ledger of a score.</summary>
    /// <param name="batch">All events of the customer up to the time, each once, in any order.</param>
    /// <param name="asOfMs">Not before the last of them.</param>
    /// <exception cref="ArgumentException">The rules have no such score.</exception>
    public static ScoreLedger Of(RuleSet rules, string score, EventBatch batch, long asOfMs)
    {
        var rule = rules.Scores.FirstOrDefault(s => s.Name == score)
            ?? throw new ArgumentException(
                $"There is no score '{score}'; there are {string.Join(", ", rules.Scores.Select(s => s.Name))}.", nameof(score));
        var (micro, grade) = Conclude(rules, rule, batch, asOfMs);
        var entries = new LedgerEntries(rule.Parts, batch, asOfMs);
        var lines = entries.Lines();
        // What rounding of single lines leaves over goes to those that lost most by it; what is more than that was held by a limit.
        var exact = ScoreRule.Round(lines.Sum(l => l.Exact));
        // Sums are fixed-point numbers whose weights err by less than 3e-10.
        var blur = lines.Count + 1 + 1e-9 * lines.Sum(l => Math.Abs(l.Exact));
        if (Math.Abs((double)micro - exact) <= blur) exact = micro;
        return new ScoreLedger(Rounded(lines, exact), micro - exact, micro, grade);
    }

    private static (long Micro, string? Grade) Conclude(RuleSet rules, ScoreRule rule, EventBatch batch, long asOfMs)
    {
        var shard = new ShardBuffer();
        shard.Load(default);
        foreach (ref var e in batch.Events)
        {
            shard.Count(e.EventTimeMs, (int)e.Channel);
            rules.Fold(batch, in e, shard);
        }
        var customer = new ShardSet();
        if (batch.Count > 0) customer.Add(shard.Bytes.ToArray());
        var conclusion = new Conclusion();
        rules.Evaluate(customer, asOfMs, conclusion);
        for (var i = 0; i < conclusion.ScoreCount; i++)
        {
            var found = conclusion.Score(i);
            if (!found.Name.SequenceEqual(rule.NameUtf8)) continue;
            return (found.MicroPoints, found.Grade.IsEmpty ? null : System.Text.Encoding.UTF8.GetString(found.Grade));
        }
        return (0, null);
    }

    // Largest remainders: everything is rounded down, and those with the largest rest go up until the sum is right.
    private static List<LedgerLine> Rounded(IReadOnlyList<(LedgerLine Line, double Exact)> lines, long total)
    {
        var micro = lines.Select(l => (long)Math.Floor(l.Exact)).ToArray();
        var missing = total - micro.Sum();
        var order = Enumerable.Range(0, micro.Length).OrderByDescending(i => lines[i].Exact - micro[i]).ThenBy(i => i).ToArray();
        for (var i = 0; missing != 0 && order.Length > 0; i = (i + 1) % order.Length)
        {
            var at = missing > 0 ? order[i] : order[^(i + 1)];
            micro[at] += Math.Sign(missing);
            missing -= Math.Sign(missing);
        }
        return [.. lines.Select((l, i) => l.Line with { MicroPoints = micro[i] })];
    }
}

/// <summary>What a score is made of, for whoever explains it.</summary>
internal sealed record ScoreParts(
    IReadOnlyList<(EventFilter Filter, PointRule Rule)> Points, IReadOnlyList<GroupRule> Groups, Fading Fading, CalendarZone Zone);

/// <summary>The contributions of a customer's events, with what caps leave of each. Not for the hot path.</summary>
internal sealed class LedgerEntries
{
    private readonly ScoreParts _parts;
    private readonly long _asOfMs;
    private readonly List<(int Event, long TimeMs, int Points)> _entries = [];

    public LedgerEntries(ScoreParts parts, EventBatch batch, long asOfMs)
    {
        _parts = parts;
        _asOfMs = asOfMs;
        for (var e = 0; e < batch.Count; e++)
            for (var p = 0; p < parts.Points.Count; p++)
                if (parts.Points[p].Filter.Matches(batch, in batch.Events[e])) _entries.Add((e, batch.Events[e].EventTimeMs, p));
    }

    public List<(LedgerLine Line, double Exact)> Lines()
    {
        var kept = new double[_entries.Count];
        Array.Fill(kept, 1);
        foreach (var period in Periods(i => RuleOf(i).CapMicro > 0, i => (_entries[i].Points, PeriodOf(RuleOf(i).Unit, i))))
            Scale(kept, period, RuleOf(period[0]).CapMicro);
        foreach (var period in Periods(i => RuleOf(i).Group >= 0, i => (RuleOf(i).Group, PeriodOf(GroupOf(i).Unit, i))))
            Scale(kept, period, GroupOf(period[0]).CapMicro);
        return [.. _entries.Select((e, i) =>
        {
            var left = _parts.Fading.Share(e.TimeMs, _asOfMs);
            return (new LedgerLine(e.Event, e.Points, RuleOf(i).AddMicro, kept[i], left, 0), RuleOf(i).AddMicro * kept[i] * left);
        })];
    }

    private PointRule RuleOf(int entry) => _parts.Points[_entries[entry].Points].Rule;

    private GroupRule GroupOf(int entry) => _parts.Groups[RuleOf(entry).Group];

    private int PeriodOf(CalendarUnit unit, int entry) => CalendarPeriod.Of(unit, _entries[entry].TimeMs, _parts.Zone);

    private IEnumerable<int[]> Periods(Func<int, bool> counts, Func<int, (int, int)> period) =>
        Enumerable.Range(0, _entries.Count).Where(counts).GroupBy(period).Select(g => g.ToArray());

    private void Scale(double[] kept, int[] period, long capMicro)
    {
        var factor = Cap.Factor(period.Sum(i => RuleOf(i).AddMicro * kept[i]), capMicro);
        foreach (var i in period) kept[i] *= factor;
    }
}
