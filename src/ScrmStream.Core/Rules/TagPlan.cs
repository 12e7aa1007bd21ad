using System.Globalization;
using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>How one tag is decided. Immutable, any thread.</summary>
internal abstract class TagPlan
{
    /// <summary>Records the tag in the evaluation if it holds.</summary>
    public abstract void Decide(Evaluation v, int tag);
}

internal sealed class BooleanPlan(Condition condition) : TagPlan
{
    public override void Decide(Evaluation v, int tag)
    {
        if (condition.Holds(v, v.AsOfMs)) v.Hold(tag, "1"u8);
    }
}

/// <summary>A boolean tag, or with a value plan a valued one, that lasts for a time after the latest event that made it true.</summary>
internal sealed class ExpiringPlan(ExpiringCondition condition, long expiresMs, EdgeValuePlan? value) : TagPlan
{
    public override void Decide(Evaluation v, int tag)
    {
        var latest = condition.LatestTrue(v);
        if (latest <= v.AsOfMs - expiresMs) return;
        if (value is null) v.Hold(tag, "1"u8, latest + expiresMs);
        else value.Decide(v, tag, latest + expiresMs);
    }
}

internal sealed class GroupPlan((byte[] Value, Condition Condition)[] values) : TagPlan
{
    public override void Decide(Evaluation v, int tag)
    {
        foreach (var (value, condition) in values)
        {
            if (!condition.Holds(v, v.AsOfMs)) continue;
            v.Hold(tag, value);
            return;
        }
    }
}

/// <summary>The value of a field at the customer's first or last event.</summary>
internal sealed class EdgeValuePlan(Condition? when, EdgeValue edge, long withinMs) : TagPlan
{
    public override void Decide(Evaluation v, int tag)
    {
        if (when is null || when.Holds(v, v.AsOfMs)) Decide(v, tag, 0);
    }

    public void Decide(Evaluation v, int tag, long expiresMs)
    {
        if (!edge.TryGet(v.Shards, out var value, out var timeMs)) return;
        if (withinMs == 0 || timeMs > v.AsOfMs - withinMs) v.Hold(tag, value, expiresMs);
    }
}

/// <summary>A count or sum as a value; absent while no event counts.</summary>
internal sealed class NumberPlan(Condition? when, Aggregate aggregate, long withinMs, int timeline) : TagPlan
{
    public override void Decide(Evaluation v, int tag)
    {
        if (when is not null && !when.Holds(v, v.AsOfMs)) return;
        Span<byte> text = stackalloc byte[Micro.TextBytesMax];
        var length = 0;
        switch (aggregate)
        {
            case EventCount or LatestTimes:
                var count = aggregate is EventCount c ? c.Total(v.Shards)
                    : Math.Min(LatestTimes.KeepMax, ((LatestTimes)aggregate).CountAfter(v.Shards, v.AsOfMs - withinMs));
                if (count > 0) count.TryFormat(text, out length, default, CultureInfo.InvariantCulture);
                break;
            case FieldSum sum:
                if (sum.TryTotal(v.Shards, out var total)) length = Micro.Format(total, text);
                break;
            case LatestValues values:
                var line = v.Timelines[timeline];
                values.Load(v.Shards, line);
                if (line.CountBetween(v.AsOfMs - withinMs, v.AsOfMs) > 0)
                {
                    length = Micro.Format(line.Sum(v.AsOfMs - withinMs, v.AsOfMs), text);
                }
                break;
        }
        if (length > 0) v.Hold(tag, text[..length]);
    }
}
