using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>The value of a field at the first or last event, or an attribute: there, and inside the window.</summary>
internal abstract class EdgeCondition(EdgeValue edge, Window window) : Condition
{
    public sealed override bool Holds(Evaluation v, long atMs)
    {
        if (!edge.TryGet(v.Shards, out var value, out var timeMs) || !Fits(value)) return false;
        var leavesMs = window.LeavesAt(timeMs);
        v.MayChangeAt(leavesMs);
        return atMs < leavesMs;
    }

    protected abstract bool Fits(ReadOnlySpan<byte> value);
}

/// <summary>One of some texts, byte for byte.</summary>
internal sealed class EdgeTextCondition(EdgeValue edge, Window window, byte[][] texts) : EdgeCondition(edge, window)
{
    protected override bool Fits(ReadOnlySpan<byte> value)
    {
        foreach (var text in texts)
        {
            if (value.SequenceEqual(text)) return true;
        }
        return false;
    }
}

/// <summary>A number that compares so.</summary>
internal sealed class EdgeNumberCondition(EdgeValue edge, Window window, Comparison comparison, Int128 micro) : EdgeCondition(edge, window)
{
    protected override bool Fits(ReadOnlySpan<byte> value) => Micro.TryParse(value, out var number) && comparison.Holds(number, micro);
}

/// <summary>Any value but an empty text, which takes an attribute away.</summary>
internal sealed class EdgeExistsCondition(EdgeValue edge, Window window) : EdgeCondition(edge, window)
{
    protected override bool Fits(ReadOnlySpan<byte> value) => !value.IsEmpty;
}
