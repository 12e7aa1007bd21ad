using System.Text;

namespace ScrmStream.ClickHouse.Embedded;

/// <summary>What a request's statement is, as far as the HTTP interface must know.</summary>
internal enum StatementKind : byte
{
    /// <summary>The text ends before it can be told; more of it is needed.</summary>
    Unfinished,
    /// <summary>A SELECT or WITH ... SELECT: its result can be streamed.</summary>
    Select,
    /// <summary>INSERT ... FORMAT X: data follows behind <see cref="Statement.DataStart"/>.</summary>
    InsertWithData,
    /// <summary>Anything else, INSERT ... VALUES and INSERT ... SELECT included.</summary>
    Other,
}

/// <summary>
/// A statement cut into what the engine's calls take apart: head, format and data. It reads words, quotes, comments and
/// parentheses only; the engine parses.
/// </summary>
internal readonly ref struct Statement
{
    private Statement(StatementKind kind, int headEnd, string? format, int dataStart, bool multiple)
    {
        Kind = kind;
        HeadEnd = headEnd;
        Format = format;
        DataStart = dataStart;
        HasSecond = multiple;
    }

    public StatementKind Kind { get; }
    /// <summary>End of the statement proper: before FORMAT of an insert with data, before a closing semicolon else.</summary>
    public int HeadEnd { get; }
    /// <summary>The format the statement names, or null.</summary>
    public string? Format { get; }
    /// <summary>Where an insert's data starts.</summary>
    public int DataStart { get; }
    /// <summary>Another statement follows a semicolon.</summary>
    public bool HasSecond { get; }

    /// <param name="text">The statement, or its beginning.</param>
    /// <param name="isWhole">Whether nothing follows the text.</param>
    public static Statement Read(ReadOnlySpan<byte> text, bool isWhole)
    {
        var words = new WordReader(text);
        if (!words.Next()) return isWhole ? Plain(StatementKind.Other, text.Length, null, false) : default;
        if (words.Is("INSERT"u8)) return ReadInsert(text, words, isWhole);
        if (!isWhole) return default;
        var kind = words.Is("SELECT"u8) || words.Is("WITH"u8) || words.Is("("u8) ? StatementKind.Select : StatementKind.Other;
        string? format = null;
        do
        {
            if (words.Depth > 0) continue;
            if (words.Is(";"u8)) return Plain(kind, words.Start, format, words.Next());
            if (!words.Is("FORMAT"u8)) continue;
            if (words.Next() && words.IsWord) format = words.Text;
        }
        while (words.Next());
        return Plain(kind, text.Length, format, false);
    }

    private static Statement ReadInsert(ReadOnlySpan<byte> text, WordReader words, bool isWhole)
    {
        while (words.Next())
        {
            if (words.Depth > 0) continue;
            if (words.Is("VALUES"u8) || words.Is("SELECT"u8) || words.Is("WITH"u8) || words.Is("FROM"u8))
                return ReadWhole(text, words, isWhole);
            if (!words.Is("FORMAT"u8)) continue;
            var headEnd = words.Start;
            if (!words.Next() || !words.IsWord) break;
            // A word at the very end of an unfinished text may go on in the next piece.
            if (words.End == text.Length && !isWhole) return default;
            return new Statement(StatementKind.InsertWithData, headEnd, words.Text, SkipToData(text, words.End), false);
        }
        return isWhole ? Plain(StatementKind.Other, text.Length, null, false) : default;
    }

    private static Statement ReadWhole(ReadOnlySpan<byte> text, WordReader words, bool isWhole)
    {
        if (!isWhole) return default;
        if (words.Is("VALUES"u8)) return Plain(StatementKind.Other, text.Length, null, false);
        while (words.Next())
            if (words.Depth == 0 && words.Is(";"u8)) return Plain(StatementKind.Other, words.Start, null, words.Next());
        return Plain(StatementKind.Other, text.Length, null, false);
    }

    private static Statement Plain(StatementKind kind, int end, string? format, bool multiple) => new(kind, end, format, end, multiple);

    /// <summary>Data starts behind the blanks and at most one line end after the format's name.</summary>
    private static int SkipToData(ReadOnlySpan<byte> text, int at)
    {
        while (at < text.Length && text[at] is (byte)' ' or (byte)'\t' or (byte)'\f') at++;
        if (at < text.Length && text[at] == '\r') at++;
        if (at < text.Length && text[at] == '\n') at++;
        return at;
    }

    /// <summary>Walks over words and single marks, past blanks, comments and quoted text.</summary>
    private ref struct WordReader(ReadOnlySpan<byte> text)
    {
        private readonly ReadOnlySpan<byte> _text = text;

        public int Start { get; private set; }
        public int End { get; private set; }
        public int Depth { get; private set; }

        public readonly string Text => Encoding.UTF8.GetString(_text[Start..End]);
        public readonly bool IsWord => IsWordByte(_text[Start]);
        public readonly bool Is(ReadOnlySpan<byte> word) => Ascii.EqualsIgnoreCase(_text[Start..End], word);

        public bool Next()
        {
            Start = SkipBlanksAndComments(End);
            if (Start >= _text.Length)
            {
                End = _text.Length;
                return false;
            }
            var first = _text[Start];
            End = Start + 1;
            if (first is (byte)'\'' or (byte)'"' or (byte)'`') End = EndOfQuoted(first);
            else if (first is (byte)'(' or (byte)'[' or (byte)'{') Depth++;
            else if (first is (byte)')' or (byte)']' or (byte)'}') Depth--;
            else if (IsWordByte(first))
                while (End < _text.Length && IsWordByte(_text[End])) End++;
            return true;
        }

        private readonly int EndOfQuoted(byte quote)
        {
            for (var at = Start + 1; at < _text.Length; at++)
            {
                if (_text[at] == '\\') at++;
                else if (_text[at] == quote) return at + 1;
            }
            return _text.Length;
        }

        private readonly int SkipBlanksAndComments(int at)
        {
            while (at < _text.Length)
            {
                var rest = _text[at..];
                if (rest[0] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or (byte)'\f') at++;
                else if (rest.StartsWith("--"u8) || rest.StartsWith("#!"u8) || rest.StartsWith("# "u8)) at += Upto(rest, "\n"u8);
                else if (rest.StartsWith("/*"u8)) at += Upto(rest, "*/"u8);
                else break;
            }
            return at;
        }

        private static int Upto(ReadOnlySpan<byte> rest, ReadOnlySpan<byte> mark)
        {
            var found = rest.IndexOf(mark);
            return found < 0 ? rest.Length : found + mark.Length;
        }

        private static bool IsWordByte(byte b) => char.IsAsciiLetterOrDigit((char)b) || b is (byte)'_' or >= 0x80;
    }
}
