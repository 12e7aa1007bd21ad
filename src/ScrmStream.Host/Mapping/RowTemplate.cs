using System.Buffers;
using System.Text;

namespace ScrmStream.Host.Mapping;

/// <summary>Text with columns in it: <c>sku-{item}</c>. Braces that are text are doubled.</summary>
internal sealed class RowTemplate
{
    private readonly List<(byte[] Text, int Column)> _parts = [];
    private readonly ArrayBufferWriter<byte> _rendered = new();

    private RowTemplate()
    {
    }

    /// <summary>The text when no column is in it, else null.</summary>
    public string? Constant { get; private init; }

    /// <param name="columnOf">Gives the number of a column by its name.</param>
    /// <exception cref="FormatException">A brace has no partner or no name.</exception>
    public static RowTemplate Parse(string text, Func<string, int> columnOf)
    {
        var literal = new StringBuilder();
        List<(byte[], int)> parts = [];
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is not ('{' or '}'))
            {
                literal.Append(text[i]);
                continue;
            }
            if (i + 1 < text.Length && text[i + 1] == text[i])
            {
                literal.Append(text[i++]);
                continue;
            }
            var end = text[i] == '{' ? text.IndexOf('}', i) : -1;
            if (end < i + 2)
                throw new FormatException($"'{text}': a single brace has to enclose a column's name; double it to mean the character");
            parts.Add((Encoding.UTF8.GetBytes(literal.ToString()), columnOf(text[(i + 1)..end])));
            literal.Clear();
            i = end;
        }
        var rest = Encoding.UTF8.GetBytes(literal.ToString());
        var template = new RowTemplate { Constant = parts.Count == 0 ? literal.ToString() : null };
        template._parts.AddRange(parts);
        if (rest.Length > 0 || parts.Count == 0) template._parts.Add((rest, -1));
        return template;
    }

    /// <summary>The text for a row; it lasts until the next call or the row's end.</summary>
    public ReadOnlySpan<byte> Render(SourceRow row)
    {
        if (_parts.Count == 1)
        {
            var (text, column) = _parts[0];
            if (column < 0) return text;
            if (text.Length == 0) return row[column];
        }
        _rendered.ResetWrittenCount();
        foreach (var (text, column) in _parts)
        {
            _rendered.Write(text);
            if (column >= 0) _rendered.Write(row[column]);
        }
        return _rendered.WrittenSpan;
    }
}

/// <summary>A text field: a template, words that are replaced when they are the whole value, and what stands for an empty value.</summary>
internal sealed record MappedText(RowTemplate Template, IReadOnlyList<(byte[] From, byte[] To)> Words, byte[] Default)
{
    /// <summary>Empty: the field is left out.</summary>
    public ReadOnlySpan<byte> Of(SourceRow row)
    {
        var text = Template.Render(row);
        foreach (var (from, to) in Words)
        {
            if (text.SequenceEqual(from)) return to;
        }
        return text.IsEmpty ? Default : text;
    }
}
