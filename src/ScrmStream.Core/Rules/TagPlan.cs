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
        v.MayChangeAt(latest + expiresMs);
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

/// <summary>The grades of two scores, one behind the other; absent while one of them has none.</summary>
internal sealed class GridPlan(ScoreRule rows, ScoreRule columns) : TagPlan
{
    public override void Decide(Evaluation v, int tag)
    {
        var (row, column) = (rows.Read(v, v.AsOfMs), columns.Read(v, v.AsOfMs));
        v.MayChangeAt(row.NextMs);
        v.MayChangeAt(column.NextMs);
        if (row.Grade < 0 || column.Grade < 0) return;
        v.Hold(tag, rows.GradeUtf8(row.Grade));
        v.Append(tag, columns.GradeUtf8(column.Grade));
    }
}

/// <summary>Every member whose condition holds, in the order of the file; absent while there is none.</summary>
internal sealed class SetPlan((byte[] Member, Condition Condition)[] members) : TagPlan
{
    public override void Decide(Evaluation v, int tag)
    {
        foreach (var (member, condition) in members)
        {
            if (!condition.Holds(v, v.AsOfMs)) continue;
            if (!v.Tags[tag].Holds) v.Hold(tag, member);
            else
            {
                v.Append(tag, ","u8);
                v.Append(tag, member);
            }
        }
    }
}

/// <summary>What somebody set by hand last, until it expires.</summary>
internal sealed class ManualPlan(ManualMark mark, long expiresMs) : TagPlan
{
    public override void Decide(Evaluation v, int tag)
    {
        if (!mark.TryGet(v.Shards, out var latest) || !latest.IsSet) return;
        var endsMs = expiresMs == 0 ? 0 : latest.TimeMs + expiresMs;
        if (endsMs > 0) v.MayChangeAt(endsMs);
        if (endsMs == 0 || v.AsOfMs < endsMs) v.Hold(tag, latest.Value, endsMs);
    }
}

/// <summary>The value of a field at the customer's first or last event.</summary>
internal sealed class EdgeValuePlan(Condition? when, EdgeValue edge, Window window) : TagPlan
{
    public override void Decide(Evaluation v, int tag)
    {
        if (when is null || when.Holds(v, v.AsOfMs)) Decide(v, tag, 0);
    }

    public void Decide(Evaluation v, int tag, long expiresMs)
    {
        if (!edge.TryGet(v.Shards, out var value, out var timeMs)) return;
        var leavesMs = window.LeavesAt(timeMs);
        v.MayChangeAt(leavesMs);
        if (v.AsOfMs < leavesMs) v.Hold(tag, value, expiresMs);
    }
}

/// <summary>A number as a value; absent while no event counts.</summary>
internal sealed class NumberPlan(Condition? when, NumberValue number) : TagPlan
{
    public override void Decide(Evaluation v, int tag)
    {
        if (when is not null && !when.Holds(v, v.AsOfMs)) return;
        Span<byte> text = stackalloc byte[Micro.TextBytesMax];
        if (number.TryGet(v, v.AsOfMs, out var micro)) v.Hold(tag, text[..Micro.Format(micro, text)]);
    }
}
