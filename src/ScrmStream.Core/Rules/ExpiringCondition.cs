using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>Finds the time of the latest event that made the condition of an expiring tag true.</summary>
internal abstract class ExpiringCondition
{
    /// <summary><see cref="long.MinValue"/> when there is none; a time too old to matter may be given or not.</summary>
    public abstract long LatestTrue(Evaluation v);
}

/// <summary>
/// The common case, <c>seen(...)</c> or <c>count(...) >= n</c> without window: once true it stays true, so its latest event is enough.
/// </summary>
internal sealed class LatestEvent(LatestTimes latest, EventCount? count, long number) : ExpiringCondition
{
    public override long LatestTrue(Evaluation v) =>
        count is not null && count.Total(v.Shards) < number ? long.MinValue : latest.Latest(v.Shards);
}

/// <summary>The latest event of a field's value.</summary>
internal sealed class LatestOfValue(EdgeValue edge) : ExpiringCondition
{
    public override long LatestTrue(Evaluation v) => edge.TryGet(v.Shards, out _, out var timeMs) ? timeMs : long.MinValue;
}

/// <summary>
/// Any condition: asks it about the time of each event that its counts and sums look at, latest first, until it holds or the event
/// is so old that the tag would have expired.
/// </summary>
internal sealed class EarlierTimes(Condition condition, (Aggregate Aggregate, int Timeline)[] lists, long expiresMs) : ExpiringCondition
{
    /// <summary>Makes what a list holds ready for conditions that ask about earlier times.</summary>
    public static void Load(Aggregate list, Evaluation v, int timeline)
    {
        if (list is LatestTimes times) times.Load(v.Shards, v.Timelines[timeline]);
        else ((LatestValues)list).Load(v.Shards, v.Timelines[timeline]);
    }

    public override long LatestTrue(Evaluation v)
    {
        foreach (var (aggregate, timeline) in lists) Load(aggregate, v, timeline);
        v.LooksBack = true;
        var latest = LatestHolding(v);
        v.LooksBack = false;
        return latest;
    }

    private long LatestHolding(Evaluation v)
    {
        for (var atMs = LatestAtOrBefore(v, v.AsOfMs); atMs > v.AsOfMs - expiresMs; atMs = LatestAtOrBefore(v, atMs - 1))
        {
            if (condition.Holds(v, atMs)) return atMs;
        }
        return long.MinValue;
    }

    private long LatestAtOrBefore(Evaluation v, long atMs)
    {
        var latest = long.MinValue;
        foreach (var (_, timeline) in lists)
        {
            var line = v.Timelines[timeline];
            var before = line.UpTo(atMs);
            if (before > 0) latest = Math.Max(latest, line.TimeMs(before - 1));
        }
        return latest;
    }
}
