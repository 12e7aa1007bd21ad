using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>What is made of the numbers in a window.</summary>
internal enum MeasureKind : byte { Count, Sum, Min, Max, Average, Distinct, Days, DaysInRow }

/// <summary>A sum over all events.</summary>
internal sealed class SumCondition(FieldSum sum, Comparison comparison, Int128 micro) : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        sum.TryTotal(v.Shards, out var total);
        return comparison.Holds(total, micro);
    }
}

/// <summary>The least, greatest or mean value over all events; of no event it is nothing, and nothing compares with it.</summary>
internal sealed class SummaryCondition(FieldSummary summary, MeasureKind kind, Comparison comparison, Int128 micro) : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        var all = summary.Of(v.Shards);
        return all.Events > 0 && kind switch
        {
            MeasureKind.Min => comparison.Holds(all.Least, micro),
            MeasureKind.Max => comparison.Holds(all.Greatest, micro),
            _ => comparison.Holds(all.Sum, micro * all.Events),
        };
    }
}

/// <summary>
/// Sum, least, greatest or mean value over a window. Values leave in the order in which they came, so from the oldest on the comparison is
/// tried without them, until its answer changes.
/// </summary>
internal sealed class WindowMeasureCondition(LatestValues values, Window window, MeasureKind kind, Comparison comparison, Int128 micro)
    : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        var line = v.Scratch;
        values.Load(v.Shards, line);
        line.SealExtremes();
        var first = line.UpTo(window.AfterMs(atMs));
        var holds = HoldsFrom(line, first);
        while (first < line.Count)
        {
            var leavesMs = window.LeavesAt(line.TimeMs(first));
            while (first < line.Count && window.LeavesAt(line.TimeMs(first)) <= leavesMs) first++;
            if (HoldsFrom(line, first) == holds) continue;
            v.MayChangeAt(leavesMs);
            break;
        }
        return holds;
    }

    private bool HoldsFrom(Timeline line, int first)
    {
        if (kind == MeasureKind.Sum) return comparison.Holds(line.SumFrom(first), micro);
        return first < line.Count && kind switch
        {
            MeasureKind.Min => comparison.Holds(line.LeastFrom(first), micro),
            MeasureKind.Max => comparison.Holds(line.GreatestFrom(first), micro),
            _ => comparison.Holds(line.SumFrom(first), micro * (line.Count - first)),
        };
    }
}
