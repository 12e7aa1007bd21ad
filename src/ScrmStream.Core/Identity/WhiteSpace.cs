using System.Buffers;
using System.Text;

namespace ScrmStream.Identity;

/// <summary>White space around a value: every character that Unicode calls so, U+00A0 and U+3000 too.</summary>
internal static class WhiteSpace
{
    /// <summary>False at once for a value that begins and ends with a visible ASCII character.</summary>
    public static bool Surrounds(ReadOnlySpan<byte> value) =>
        !value.IsEmpty && (value[0] is <= 0x20 or >= 0x7F || value[^1] is <= 0x20 or >= 0x7F) && Trim(value) != value;

    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> value)
    {
        while (Rune.DecodeFromUtf8(value, out var rune, out var used) == OperationStatus.Done && Rune.IsWhiteSpace(rune))
            value = value[used..];
        while (Rune.DecodeLastFromUtf8(value, out var rune, out var used) == OperationStatus.Done && Rune.IsWhiteSpace(rune))
            value = value[..^used];
        return value;
    }
}
