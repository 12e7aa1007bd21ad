using System.Buffers;
using System.Globalization;
using System.Text;

namespace ScrmStream.Identity;

/// <summary>
/// E-mail addresses in one form: ASCII letters small, full-width forms as ASCII. Nothing is merged that a provider may keep apart: dots
/// and plus tags stay. docs/identifiers.md has the table; a test runs it.
/// </summary>
public static class EmailAddress
{
    /// <summary>The longest address that mail servers take (RFC 5321, 4.5.3.1.3, without the angle brackets).</summary>
    public const int BytesMax = 254;

    /// <summary>Writes an address in its normal form.</summary>
    /// <param name="destination">At least <see cref="BytesMax"/> bytes.</param>
    /// <returns>The bytes written; 0 when the value is no plain address.</returns>
    public static int Write(ReadOnlySpan<byte> value, Span<byte> destination)
    {
        value = WhiteSpace.Trim(value);
        if (Ascii.EqualsIgnoreCase(value[..Math.Min(7, value.Length)], "mailto:"u8)) value = WhiteSpace.Trim(value[7..]);
        var (written, at, labelStart) = (0, -1, 0);
        while (!value.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(value, out var rune, out var used) != OperationStatus.Done) return 0;
            value = value[used..];
            rune = Fold(rune, at >= 0);
            if (rune.Value == '@' ? at >= 0 || written == 0 : !IsAllowed(rune, at >= 0)) return 0;
            if (written + rune.Utf8SequenceLength > BytesMax) return 0;
            if (rune.Value == '@') (at, labelStart) = (written, written + 1);
            if (rune.Value == '.' && at >= 0)
            {
                if (written == labelStart) return 0;
                labelStart = written + 1;
            }
            written += rune.EncodeToUtf8(destination[written..]);
        }
        return at < 0 || written == labelStart ? 0 : written;
    }

    private static Rune Fold(Rune rune, bool isDomain)
    {
        // The full stops that input methods write in a domain (RFC 3490, 3.1).
        if (isDomain && rune.Value is 0x3002 or 0xFF61) return new Rune('.');
        rune = FullWidth.ToAscii(rune);
        return rune.Value is >= 'A' and <= 'Z' ? new Rune(rune.Value | 0x20) : rune;
    }

    private static bool IsAllowed(Rune rune, bool isDomain)
    {
        if (!rune.IsAscii)
        {
            var category = Rune.GetUnicodeCategory(rune);
            return isDomain
                ? Rune.IsLetterOrDigit(rune) || category is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
                : !Rune.IsWhiteSpace(rune) && category is not (UnicodeCategory.Control or UnicodeCategory.Format);
        }
        if (isDomain) return char.IsAsciiLetterOrDigit((char)rune.Value) || rune.Value is '-' or '.';
        return rune.Value is > ' ' and < 0x7F && "\"(),:;<>[]\\"u8.IndexOf((byte)rune.Value) < 0;
    }
}
