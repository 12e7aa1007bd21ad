using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>The parts and the order of stored texts <c>kind:scope:value</c>.</summary>
public static class IdentifierText
{
    public static ReadOnlySpan<byte> Scope(ReadOnlySpan<byte> text, IdentifierKind kind)
    {
        var rest = text[(kind.WordUtf8().Length + 1)..];
        return rest[..rest.IndexOf((byte)':')];
    }

    public static ReadOnlySpan<byte> Value(ReadOnlySpan<byte> text, IdentifierKind kind)
    {
        var rest = text[(kind.WordUtf8().Length + 1)..];
        return rest[(rest.IndexOf((byte)':') + 1)..];
    }

    /// <summary>
    /// Strength: class, kind, then scope and value in order of their bytes; negative when <paramref name="a"/> is stronger.
    /// Kinds are numbered class by class, so the kind's number holds both.
    /// </summary>
    public static int CompareStrength(IdentifierKind kindA, ReadOnlySpan<byte> a, IdentifierKind kindB, ReadOnlySpan<byte> b)
    {
        if (kindA != kindB) return kindA.CompareTo(kindB);
        var byScope = Scope(a, kindA).SequenceCompareTo(Scope(b, kindB));
        return byScope != 0 ? byScope : Value(a, kindA).SequenceCompareTo(Value(b, kindB));
    }
}
