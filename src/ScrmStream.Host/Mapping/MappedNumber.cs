using System.Buffers.Text;

namespace ScrmStream.Host.Mapping;

/// <summary>Numbers in text: the whole text is the number, else it is none.</summary>
internal static class MappedNumber
{
    public static bool TryLong(ReadOnlySpan<byte> text, out long value) =>
        Utf8Parser.TryParse(text, out value, out var used) && used == text.Length;

    public static bool TryDouble(ReadOnlySpan<byte> text, out double value) =>
        Utf8Parser.TryParse(text, out value, out var used) && used == text.Length && double.IsFinite(value);

    public static bool TryBoolean(ReadOnlySpan<byte> text, out bool value)
    {
        value = text.SequenceEqual("1"u8) || Ascii(text, "true");
        return value || text.SequenceEqual("0"u8) || Ascii(text, "false");
    }

    /// <summary>Takes <c>12</c>, <c>12.3</c>, <c>-12.34</c>, <c>12.3400</c> yuan as fen, exactly; a part of a fen is no number.</summary>
    public static bool TryFenOfYuan(ReadOnlySpan<byte> text, out long fen)
    {
        fen = 0;
        var isNegative = !text.IsEmpty && text[0] == (byte)'-';
        if (isNegative) text = text[1..];
        var point = text.IndexOf((byte)'.');
        var whole = point < 0 ? text : text[..point];
        var fraction = point < 0 ? default : text[(point + 1)..];
        if (whole.IsEmpty || (point >= 0 && fraction.IsEmpty)) return false;
        if (fraction.Length > 2 && fraction[2..].ContainsAnyExcept((byte)'0')) return false;
        Int128 sum = 0;
        foreach (var digit in whole)
        {
            if (digit is < (byte)'0' or > (byte)'9') return false;
            sum = sum * 10 + (digit - '0');
            if (sum > long.MaxValue) return false;
        }
        for (var i = 0; i < 2; i++)
        {
            var digit = i < fraction.Length ? fraction[i] : (byte)'0';
            if (digit is < (byte)'0' or > (byte)'9') return false;
            sum = sum * 10 + (digit - '0');
        }
        if (sum > long.MaxValue) return false;
        fen = (long)(isNegative ? -sum : sum);
        return true;
    }

    private static bool Ascii(ReadOnlySpan<byte> text, string word) => System.Text.Ascii.EqualsIgnoreCase(text, word);
}
