using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>The parts of stored texts <c>kind:scope:value</c>.</summary>
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
    /// The id of the key that a personal identifier's value is hashed under (<c>keyid.64 hex digits</c>); empty when the text is plain
    /// or of another kind. Two texts of one kind with different key ids that are linked may be the same phone or e-mail.
    /// </summary>
    public static ReadOnlySpan<byte> KeyId(ReadOnlySpan<byte> text, IdentifierKind kind)
    {
        if (!kind.IsPersonal()) return default;
        var value = Value(text, kind);
        var length = value.Length - PersonalKeys.HashBytes - 1;
        if (length is < 1 or > PersonalKeys.IdBytesMax || value[length] != '.') return default;
        var isId = !value[..length].ContainsAnyExcept(PersonalKeys.IdBytes);
        return isId && !value[(length + 1)..].ContainsAnyExcept("0123456789abcdef"u8) ? value[..length] : default;
    }
}
