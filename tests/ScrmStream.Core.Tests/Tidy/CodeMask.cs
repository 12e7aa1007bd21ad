namespace ScrmStream.Tests.Tidy;

/// <summary>
/// C# text with everything that is not code (comments, texts, characters, interpolations) replaced by blanks, line for line and
/// column for column, so that braces and words can be looked for. Knows plain, verbatim, raw and interpolated texts.
/// </summary>
public sealed class CodeMask
{
    private readonly string _text;
    private readonly char[] _masked;

    private CodeMask(string text)
    {
        _text = text;
        _masked = text.ToCharArray();
    }

    public static string Of(string text)
    {
        var mask = new CodeMask(text);
        mask.Code(0, inHole: false);
        return new string(mask._masked);
    }

    // Reads code to the end of the text, or in a hole of an interpolated text to the brace that closes it, and returns where it ends.
    private int Code(int at, bool inHole)
    {
        var depth = 0;
        while (at < _text.Length)
        {
            var after = Uncoded(at);
            if (after > at)
            {
                Blank(at, after);
                at = after;
                continue;
            }
            if (inHole && _text[at] == '}' && depth-- == 0) return at;
            if (inHole && _text[at] == '{') depth++;
            at++;
        }
        return at;
    }

    // The end of the comment, text or character that starts here; the same place when none does.
    private int Uncoded(int at)
    {
        if (Is(at, "//")) return EndOf("\n", at, includeEnd: false);
        if (Is(at, "/*")) return EndOf("*/", at + 2, includeEnd: true);
        if (_text[at] == '\'') return Character(at);
        if (_text[at] is not ('"' or '$' or '@')) return at;
        var quote = at;
        while (quote < _text.Length && _text[quote] is '$' or '@') quote++;
        if (quote == _text.Length || _text[quote] != '"') return at;
        var prefix = _text[at..quote];
        var dollars = prefix.Count(c => c == '$');
        var quotes = Run(quote, '"');
        if (quotes >= 3) return Raw(quote + quotes, quotes, dollars);
        return Text(quote + 1, isVerbatim: prefix.Contains('@'), hasHoles: dollars > 0);
    }

    private int Text(int at, bool isVerbatim, bool hasHoles)
    {
        while (at < _text.Length)
        {
            var c = _text[at];
            if (c == '"' && !(isVerbatim && Is(at, "\"\""))) return at + 1;
            if (!isVerbatim && c == '\n') return at;
            if (isVerbatim ? c == '"' : c == '\\') at += 2;
            else if (hasHoles && c is '{' or '}' && at + 1 < _text.Length && _text[at + 1] == c) at += 2;
            else if (hasHoles && c == '{') at = Code(at + 1, inHole: true) + 1;
            else at++;
        }
        return at;
    }

    // A raw text ends with as many quotes as it starts with; as many braces as there are dollars open a hole.
    private int Raw(int at, int quotes, int dollars)
    {
        while (at < _text.Length)
        {
            if (_text[at] == '"')
            {
                var run = Run(at, '"');
                at += run;
                if (run >= quotes) return at;
            }
            else if (dollars > 0 && _text[at] == '{')
            {
                var run = Run(at, '{');
                at += run;
                if (run >= dollars) at = Code(at, inHole: true) + dollars;
            }
            else at++;
        }
        return at;
    }

    // The character behind an escape may be a quote itself.
    private int Character(int at) => EndOf("'", at + (Is(at + 1, "\\") ? 3 : 2), includeEnd: true);

    private int EndOf(string end, int from, bool includeEnd)
    {
        var found = from > _text.Length ? -1 : _text.IndexOf(end, from, StringComparison.Ordinal);
        return found < 0 ? _text.Length : found + (includeEnd ? end.Length : 0);
    }

    private bool Is(int at, string what) => string.CompareOrdinal(_text, at, what, 0, what.Length) == 0;

    private int Run(int at, char c)
    {
        var end = at;
        while (end < _text.Length && _text[end] == c) end++;
        return end - at;
    }

    private void Blank(int from, int to)
    {
        for (var i = from; i < to; i++)
            if (_masked[i] != '\n') _masked[i] = ' ';
    }
}
