using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary><c>first_seen within d</c>, of any event (no aggregate) or of those that pass a filter.</summary>
internal sealed class FirstSeenCondition(FirstTime? time, Window window) : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        var first = time?.Earliest(v.Shards) ?? v.Shards.FirstSeenMs;
        if (first > atMs) return false;
        var leavesMs = window.LeavesAt(first);
        v.MayChangeAt(leavesMs);
        return atMs < leavesMs;
    }
}

/// <summary><c>last_seen within d</c>. At the time of an event the customer was last seen just then.</summary>
internal sealed class LastSeenCondition(Window window) : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        var leavesMs = window.LeavesAt(Math.Min(v.Shards.LastSeenMs, atMs));
        v.MayChangeAt(leavesMs);
        return atMs < leavesMs;
    }
}

/// <summary><c>time_since(...)</c>, of the latest or the first such event; of none it compares with nothing.</summary>
internal sealed class TimeSinceCondition(LatestTimes? latest, FirstTime? first, Comparison comparison, long durationMs) : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        var timeMs = latest?.Latest(v.Shards) ?? first!.Earliest(v.Shards);
        if (timeMs is long.MinValue or long.MaxValue) return false;
        // Up to the duration, and from it or the next millisecond on.
        var changesMs = timeMs + durationMs + (comparison is Comparison.Greater or Comparison.LessOrEqual ? 1 : 0);
        v.MayChangeAt(changesMs);
        return comparison is Comparison.Greater or Comparison.GreaterOrEqual == atMs >= changesMs;
    }
}

/// <summary>
/// <c>time_since(...) > 2 * mean_gap</c>: against the customer's own mean time between such events, (last - first) / (number - 1). Of
/// fewer than two it compares with nothing.
/// </summary>
internal sealed class OwnIntervalCondition(
    LatestTimes latest, FirstTime first, EventCount count, Comparison comparison, Int128 factorMicro) : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        var events = count.Total(v.Shards);
        if (events < 2) return false;
        var lastMs = latest.Latest(v.Shards);
        var span = factorMicro * (lastMs - first.Earliest(v.Shards));
        var parts = (Int128)Micro.One * (events - 1);
        // The first whole millisecond that is beyond (or at, where that counts as beyond) the factor times the mean.
        var beyond = comparison is Comparison.Greater or Comparison.LessOrEqual ? span / parts + 1 : (span + parts - 1) / parts;
        if (beyond > long.MaxValue / 2) return comparison is Comparison.Less or Comparison.LessOrEqual;
        var changesMs = lastMs + (long)beyond;
        v.MayChangeAt(changesMs);
        return comparison is Comparison.Greater or Comparison.GreaterOrEqual == atMs >= changesMs;
    }
}
