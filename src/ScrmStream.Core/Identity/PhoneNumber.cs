using System.Buffers;
using System.Text;

namespace ScrmStream.Identity;

/// <summary>
/// Phone numbers in E.164 (ITU-T E.164: a plus sign and at most 15 digits, the calling code first). docs/identifiers.md has the table of
/// what becomes what; a test runs it.
/// </summary>
public static class PhoneNumber
{
    /// <summary>The longest normal form: the plus sign and 15 digits.</summary>
    public const int BytesMax = 1 + DigitsMax;

    private const int DigitsMax = 15, DigitsMin = 7;
    // An IP-dialling prefix, 00 and the longest number.
    private const int DigitsReadMax = 5 + 2 + DigitsMax;
    // More digits than an extension has are a second number: then nobody can say whose the first is.
    private const int ExtensionDigitsMax = 8;
    private const int MobileBytes = 14;

    /// <summary>True for a Chinese mobile number in normal form, the common case, which needs no more looking at.</summary>
    public static bool IsMobile(ReadOnlySpan<byte> value) =>
        value.Length == MobileBytes && value.StartsWith("+86"u8) && IsChineseMobile(value[3..]);

    /// <summary>Writes a number in its normal form.</summary>
    /// <param name="region">Calling code, digits only, of numbers that name none.</param>
    /// <param name="destination">At least <see cref="BytesMax"/> bytes.</param>
    /// <returns>The bytes written; 0 when the value is not the number of a person.</returns>
    public static int Write(ReadOnlySpan<byte> value, ReadOnlySpan<byte> region, Span<byte> destination)
    {
        Span<byte> room = stackalloc byte[DigitsReadMax];
        if (!TryReadDigits(value, room, out var count, out var isInternational)) return 0;
        var digits = room[..count];
        if (isInternational) return WriteInternational(digits, destination);
        return region.SequenceEqual("86"u8) ? WriteChinese(digits, destination) : WriteOf(region, digits, destination);
    }

    // A number without a calling code, as people in China write and dial it.
    private static int WriteChinese(ReadOnlySpan<byte> digits, Span<byte> destination)
    {
        if (HasIpPrefix(digits) && !IsChineseMobile(digits)) digits = digits[5..];
        if (digits.StartsWith("00"u8)) return WriteInternational(digits[2..], destination);
        var written = WriteNational(digits, isCodeGiven: false, destination);
        return written == 0 && digits.StartsWith("86"u8) ? WriteNational(digits[2..], isCodeGiven: true, destination) : written;
    }

    // Elsewhere one leading zero is the trunk prefix; the numbering plans of the world are not known here.
    private static int WriteOf(ReadOnlySpan<byte> region, ReadOnlySpan<byte> digits, Span<byte> destination)
    {
        if (digits.StartsWith("00"u8)) return WriteInternational(digits[2..], destination);
        if (digits.StartsWith("0"u8)) digits = digits[1..];
        Span<byte> whole = stackalloc byte[3 + DigitsReadMax];
        region.CopyTo(whole);
        digits.CopyTo(whole[region.Length..]);
        return WriteInternational(whole[..(region.Length + digits.Length)], destination);
    }

    private static int WriteInternational(ReadOnlySpan<byte> digits, Span<byte> destination)
    {
        if (digits.StartsWith("86"u8)) return WriteNational(digits[2..], isCodeGiven: true, destination);
        if (digits.Length is < DigitsMin or > DigitsMax || digits[0] == '0') return 0;
        destination[0] = (byte)'+';
        digits.CopyTo(destination[1..]);
        return digits.Length + 1;
    }

    // A Chinese number behind its calling code: a fixed line needs its trunk zero where no calling code shows that it has an area code.
    private static int WriteNational(ReadOnlySpan<byte> digits, bool isCodeGiven, Span<byte> destination)
    {
        var hasTrunk = digits.StartsWith("0"u8);
        if (hasTrunk) digits = digits[1..];
        if (!IsChineseMobile(digits) && !((hasTrunk || isCodeGiven) && IsChineseFixedLine(digits))) return 0;
        "+86"u8.CopyTo(destination);
        digits.CopyTo(destination[3..]);
        return digits.Length + 3;
    }

    private static bool IsChineseMobile(ReadOnlySpan<byte> digits) =>
        digits.Length == 11 && digits[0] == '1' && digits[1] is >= (byte)'3' and <= (byte)'9'
            && !digits[2..].ContainsAnyExceptInRange((byte)'0', (byte)'9');

    // Area codes 10, 2x and 3xx to 9xx, then 7 or 8 digits. 400 and 800 are service numbers of companies.
    private static bool IsChineseFixedLine(ReadOnlySpan<byte> digits)
    {
        if (digits.StartsWith("10"u8) || digits.StartsWith("2"u8)) return digits.Length is 9 or 10;
        if (digits.StartsWith("400"u8) || digits.StartsWith("800"u8)) return false;
        return digits.Length is 10 or 11 && digits[0] >= '3';
    }

    // Prefixes that people once dialled, and devices still store, to call long distance over the internet.
    private static bool HasIpPrefix(ReadOnlySpan<byte> digits) =>
        digits.StartsWith("17951"u8) || digits.StartsWith("12593"u8) || digits.StartsWith("17911"u8);

    private static bool TryReadDigits(ReadOnlySpan<byte> value, Span<byte> digits, out int count, out bool isInternational)
    {
        (count, isInternational) = (0, false);
        value = WhiteSpace.Trim(value);
        if (Ascii.EqualsIgnoreCase(value[..Math.Min(4, value.Length)], "tel:"u8)) value = value[4..];
        while (!value.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(value, out var rune, out var used) != OperationStatus.Done) return false;
            rune = FullWidth.ToAscii(rune);
            if (IsExtensionMark(rune)) return count > 0 && IsExtension(value);
            if (IsDigit(rune))
            {
                if (count == digits.Length) return false;
                digits[count++] = (byte)rune.Value;
            }
            else if (rune.Value == '+')
            {
                if (isInternational || (count > 0 && !(count == 5 && HasIpPrefix(digits)))) return false;
                (count, isInternational) = (0, true);
            }
            else if (!IsSeparator(rune)) return false;
            // +44 (0)20: a trunk zero for callers inside the country.
            var isTrunk = rune.Value == '(' && value.StartsWith("(0)"u8) && (isInternational || digits[..count].StartsWith("00"u8));
            value = value[(isTrunk ? 3 : used)..];
        }
        return count > 0;
    }

    private static bool IsDigit(Rune rune) => rune.Value is >= '0' and <= '9';

    // Space of any kind, dashes, dots, brackets, and the invisible marks that come along when a number is copied from a contact.
    private static bool IsSeparator(Rune rune) =>
        rune.Value is '-' or '.' or '(' or ')' or '[' or ']' or (>= 0x2010 and <= 0x2015) or 0x2212 or (>= 0x200B and <= 0x200F)
            or (>= 0x202A and <= 0x202E) or (>= 0x2060 and <= 0x2069) or 0xFEFF || Rune.IsWhiteSpace(rune);

    private static bool IsExtensionMark(Rune rune) => rune.Value is '#' or ',' or ';' or '转' or '轉' or '分' || IsLetter(rune);

    private static bool IsLetter(Rune rune) => rune.Value is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z');

    // What an extension is written with, from its mark to the end: words and signs in any order, and few digits.
    private static bool IsExtension(ReadOnlySpan<byte> rest)
    {
        Span<byte> word = stackalloc byte["extension"u8.Length];
        var (letters, digits) = (0, 0);
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(rest, out var rune, out var used) != OperationStatus.Done) return false;
            rune = FullWidth.ToAscii(rune);
            rest = rest[used..];
            if (IsLetter(rune))
            {
                if (letters == word.Length) return false;
                word[letters++] = (byte)(rune.Value | 0x20);
                continue;
            }
            if (!IsExtensionWord(word[..letters])) return false;
            letters = 0;
            if (IsDigit(rune)) digits++;
            else if (!IsSeparator(rune) && !IsExtensionSign(rune)) return false;
        }
        return digits <= ExtensionDigitsMax && IsExtensionWord(word[..letters]);
    }

    private static bool IsExtensionSign(Rune rune) =>
        rune.Value is '#' or ',' or ';' or ':' or '=' or '*' or '转' or '轉' or '分' or '机' or '機';

    private static bool IsExtensionWord(ReadOnlySpan<byte> word) =>
        word.IsEmpty || word.SequenceEqual("x"u8) || word.SequenceEqual("ext"u8) || word.SequenceEqual("extn"u8)
            || word.SequenceEqual("extension"u8);
}
