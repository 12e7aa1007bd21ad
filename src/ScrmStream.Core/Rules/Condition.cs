namespace ScrmStream.Rules;

/// <summary>
/// A compiled condition. It is asked about a time: the moment of the evaluation, or, to find when an expiring tag was last made true, the
/// time of an earlier event. Whoever answers also says, by <see cref="Evaluation.MayChangeAt"/>, from when on the answer may be another
/// without a new event: never too late; sooner only where that is cheaper. Immutable, any thread.
/// </summary>
internal abstract class Condition
{
    public abstract bool Holds(Evaluation v, long atMs);
}

/// <summary>
/// And, or. It stops at the first part that decides, and as long as that part stays as it is, nothing else matters; so the parts behind
/// it need not be asked when they change.
/// </summary>
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

/// <summary>Another tag holds, with any value or one of some; of a set tag, one of some is among its members.</summary>
internal sealed class TagCondition(int tag, bool isSet, byte[][]? values) : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        if (!v.Tags[tag].Holds || values is null) return v.Tags[tag].Holds;
        foreach (var value in values)
        {
            if (isSet ? HasMember(v.ValueOf(tag), value) : v.ValueOf(tag).SequenceEqual(value)) return true;
        }
        return false;
    }

    private static bool HasMember(ReadOnlySpan<byte> members, ReadOnlySpan<byte> member)
    {
        while (true)
        {
            var end = members.IndexOf((byte)',');
            if (members[..(end < 0 ? members.Length : end)].SequenceEqual(member)) return true;
            if (end < 0) return false;
            members = members[(end + 1)..];
        }
    }
}
