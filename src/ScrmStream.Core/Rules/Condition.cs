using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>
/// A compiled condition. It is asked about a time: the customer's "now", or, to find when an expiring tag was last made true, the time
/// of an earlier event. Immutable, any thread.
/// </summary>
internal abstract class Condition
{
    public abstract bool Holds(Evaluation v, long atMs);
}

internal sealed class JoinCondition(bool isAnd, Condition[] parts) : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        foreach (var part in parts)
        {
            if (part.Holds(v, atMs) != isAnd) return !isAnd;
        }
        return isAnd;
    }
}

internal sealed class NotCondition(Condition inner) : Condition
{
    public override bool Holds(Evaluation v, long atMs) => !inner.Holds(v, atMs);
}

internal sealed class AlwaysCondition : Condition
{
    public override bool Holds(Evaluation v, long atMs) => true;
}

/// <summary>A count over all events, asked about now.</summary>
internal sealed class CountCondition(EventCount count, Comparison comparison, long number) : Condition
{
    public override bool Holds(Evaluation v, long atMs) => comparison.Holds(count.Total(v.Shards), number);
}

/// <summary>A count over the window that ends now. The list keeps just enough times to decide the comparison.</summary>
internal sealed class WindowCountCondition(LatestTimes times, long withinMs, Comparison comparison, long number) : Condition
{
    public override bool Holds(Evaluation v, long atMs) => comparison.Holds(times.CountAfter(v.Shards, atMs - withinMs), number);
}

/// <summary>A sum over all events, asked about now.</summary>
internal sealed class SumCondition(FieldSum sum, Comparison comparison, Int128 micro) : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        sum.TryTotal(v.Shards, out var total);
        return comparison.Holds(total, micro);
    }
}

/// <summary>A sum over the window that ends now.</summary>
internal sealed class WindowSumCondition(LatestValues values, int timeline, long withinMs, Comparison comparison, Int128 micro) : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        var line = v.Timelines[timeline];
        values.Load(v.Shards, line);
        return comparison.Holds(line.Sum(atMs - withinMs, atMs), micro);
    }
}

/// <summary>A windowed count or sum of an expiring tag, at any time; its timeline is loaded by <see cref="EarlierTimes"/>.</summary>
internal sealed class EarlierWindowCondition(int timeline, long withinMs, Comparison comparison, Int128 number) : Condition
{
    public override bool Holds(Evaluation v, long atMs) =>
        comparison.Holds(v.Timelines[timeline].Sum(atMs - withinMs, atMs), number);
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

/// <summary><c>first_seen within d</c>, of any event (no aggregate) or of those that pass a filter.</summary>
internal sealed class FirstSeenCondition(FirstTime? time, long withinMs) : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        var first = time?.Earliest(v.Shards) ?? v.Shards.FirstSeenMs;
        return first <= atMs && first > atMs - withinMs;
    }
}

/// <summary><c>last_seen within d</c>. At the time of an event the customer was last seen just then.</summary>
internal sealed class LastSeenCondition(long withinMs) : Condition
{
    public override bool Holds(Evaluation v, long atMs) => Math.Min(v.Shards.LastSeenMs, atMs) > atMs - withinMs;
}

/// <summary><c>last(field, filter) = "x"</c> and the like: texts byte for byte, or numbers.</summary>
internal sealed class EdgeTextCondition(EdgeValue edge, long withinMs, byte[][] texts) : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        if (!edge.TryGet(v.Shards, out var value, out var timeMs) || (withinMs > 0 && timeMs <= atMs - withinMs)) return false;
        foreach (var text in texts)
        {
            if (value.SequenceEqual(text)) return true;
        }
        return false;
    }
}

internal sealed class EdgeNumberCondition(EdgeValue edge, long withinMs, Comparison comparison, Int128 micro) : Condition
{
    public override bool Holds(Evaluation v, long atMs) =>
        edge.TryGet(v.Shards, out var value, out var timeMs) && (withinMs == 0 || timeMs > atMs - withinMs)
        && Micro.TryParse(value, out var number) && comparison.Holds(number, micro);
}

/// <summary>Another tag holds, with any value or one of some.</summary>
internal sealed class TagCondition(int tag, byte[][]? values) : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        if (!v.Tags[tag].Holds || values is null) return v.Tags[tag].Holds;
        foreach (var value in values)
        {
            if (v.ValueOf(tag).SequenceEqual(value)) return true;
        }
        return false;
    }
}
