using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>A windowed count or sum of an expiring tag, at any time; its timeline is loaded by <see cref="EarlierTimes"/>.</summary>
internal sealed class EarlierWindowCondition(int timeline, Window window, Comparison comparison, Int128 number) : Condition
{
    public override bool Holds(Evaluation v, long atMs) =>
        comparison.Holds(v.Timelines[timeline].Sum(window.AfterMs(atMs), atMs), number);
}

/// <summary>A count of an expiring tag without window, at any time: all there are, less those that came later.</summary>
internal sealed class EarlierCountCondition(EventCount count, int timeline, Comparison comparison, long number) : Condition
{
    public override bool Holds(Evaluation v, long atMs) =>
        comparison.Holds(count.Total(v.Shards) - v.Timelines[timeline].CountBetween(atMs, long.MaxValue), number);
}

/// <summary>A sum of an expiring tag without window, at any time.</summary>
internal sealed class EarlierSumCondition(FieldSum sum, int timeline, Comparison comparison, Int128 micro) : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        sum.TryTotal(v.Shards, out var total);
        return comparison.Holds(total - v.Timelines[timeline].Sum(atMs, long.MaxValue), micro);
    }
}
