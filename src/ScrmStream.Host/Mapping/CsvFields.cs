namespace ScrmStream.Host.Mapping;

/// <summary>
/// Splits a row of comma-separated values as RFC 4180 says: fields may be quoted, a quote in a quoted field is doubled. Columns lined up
/// by <see cref="Spaces"/> have neither quotes nor empty fields.
/// </summary>
internal static class CsvFields
{
    /// <summary>The delimiter of columns that any number of spaces parts, also in front of the first and behind the last.</summary>
    public const byte Spaces = (byte)' ';

    private const byte Quote = (byte)'"';

    /// <summary>Fills the row with the fields; returns why that is not possible, or null.</summary>
    public static string? Split(ReadOnlySpan<byte> text, byte delimiter, SourceRow row)
    {
        row.Clear();
        if (delimiter == Spaces) return SplitAligned(text, row);
        while (true)
        {
            var isQuoted = !text.IsEmpty && text[0] == Quote;
            var reason = isQuoted ? TakeQuoted(ref text, row) : TakePlain(ref text, delimiter, row);
            if (reason is not null) return $"column {row.Count + 1}: {reason}";
            row.EndField();
            if (text.IsEmpty) return null;
            if (text[0] != delimiter) return $"column {row.Count}: text follows the closing quote";
            text = text[1..];
        }
    }

    private static string? SplitAligned(ReadOnlySpan<byte> text, SourceRow row)
    {
        for (text = text.Trim(Spaces); !text.IsEmpty; text = text.TrimStart(Spaces))
        {
            var end = text.IndexOf(Spaces);
            var field = end < 0 ? text : text[..end];
            row.Append(field);
            row.EndField();
            text = text[field.Length..];
        }
        return null;
    }

    private static string? TakeQuoted(ref ReadOnlySpan<byte> text, SourceRow row)
    {
        text = text[1..];
        while (true)
        {
            var quote = text.IndexOf(Quote);
            if (quote < 0) return "the closing quote is missing";
            var isDoubled = quote + 1 < text.Length && text[quote + 1] == Quote;
            row.Append(text[..(isDoubled ? quote + 1 : quote)]);
            text = text[(isDoubled ? quote + 2 : quote + 1)..];
            if (!isDoubled) return null;
        }
    }

    private static string? TakePlain(ref ReadOnlySpan<byte> text, byte delimiter, SourceRow row)
    {
        var end = text.IndexOf(delimiter);
        var field = end < 0 ? text : text[..end];
        if (field.Contains(Quote)) return "a quote stands in an unquoted field";
        row.Append(field);
        text = text[field.Length..];
        return null;
    }
}
