using System.Text;

namespace ScrmStream.Rules;

internal enum TokenKind : byte { Word, Text, Number, Duration, Comparison, Open, Close, Comma, Colon, Plus, Minus, Times, Divide, End }

/// <summary>One token of an expression. <see cref="Value"/> is unquoted.</summary>
internal readonly record struct Token(TokenKind Kind, string Value, int Position)
{
    public bool IsWord(string word) => Kind == TokenKind.Word && Value == word;

    public override string ToString() => Kind == TokenKind.End ? "the end" : $"'{Value}'";
}

/// <summary>Splits an expression into tokens. Words may hold letters of any script, digits, '_', '-' and '.'.</summary>
internal static class ExpressionLexer
{
    private const int CharactersMax = 8 * 1024;

    public static List<Token> Split(string text)
    {
        if (text.Length > CharactersMax) throw new ExpressionException(0, $"an expression has at most {CharactersMax} characters");
        var tokens = new List<Token>();
        var at = 0;
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
            if (at == text.Length) break;
            var start = at;
            var (kind, value) = Next(text, ref at);
            tokens.Add(new Token(kind, value, start));
        }
        tokens.Add(new Token(TokenKind.End, "", text.Length));
        return tokens;
    }

    private static (TokenKind, string) Next(string text, ref int at)
    {
        var c = text[at];
        switch (c)
        {
            case '(': at++; return (TokenKind.Open, "(");
            case ')': at++; return (TokenKind.Close, ")");
            case ',': at++; return (TokenKind.Comma, ",");
            case ':': at++; return (TokenKind.Colon, ":");
            case '+': at++; return (TokenKind.Plus, "+");
            case '*': at++; return (TokenKind.Times, "*");
            case '/': at++; return (TokenKind.Divide, "/");
            case '-' when at + 1 == text.Length || !char.IsAsciiDigit(text[at + 1]): at++; return (TokenKind.Minus, "-");
            case '"': return (TokenKind.Text, Quoted(text, ref at));
            case '=' or '!' or '<' or '>': return (TokenKind.Comparison, Comparison(text, ref at));
        }
        if (char.IsAsciiDigit(c) || c == '-') return Number(text, ref at);
        if (char.IsLetter(c) || c == '_') return (TokenKind.Word, Word(text, ref at));
        throw new ExpressionException(at, $"'{c}' means nothing here");
    }

    private static string Comparison(string text, ref int at)
    {
        var start = at++;
        if (at < text.Length && text[at] == '=') at++;
        var comparison = text[start..at];
        return comparison switch
        {
            "==" => throw new ExpressionException(start, "write = for equality"),
            "!" => throw new ExpressionException(start, "write 'not', or != between two values"),
            _ => comparison,
        };
    }

    private static string Quoted(string text, ref int at)
    {
        var start = at++;
        var content = new StringBuilder();
        while (at < text.Length && text[at] != '"')
        {
            if (text[at] == '\\')
            {
                if (++at == text.Length || text[at] is not ('"' or '\\'))
                {
                    throw new ExpressionException(at - 1, "after \\ only \" or \\ can follow");
                }
            }
            content.Append(text[at++]);
        }
        if (at == text.Length) throw new ExpressionException(start, "this text has no closing \"");
        at++;
        return content.ToString();
    }

    private static (TokenKind, string) Number(string text, ref int at)
    {
        var start = at++;
        while (at < text.Length && (char.IsAsciiDigit(text[at]) || text[at] == '.')) at++;
        if (at == text.Length || !char.IsLetter(text[at])) return (TokenKind.Number, text[start..at]);
        while (at < text.Length && char.IsLetterOrDigit(text[at])) at++;
        return (TokenKind.Duration, text[start..at]);
    }

    private static string Word(string text, ref int at)
    {
        var start = at;
        while (at < text.Length && (char.IsLetterOrDigit(text[at]) || text[at] is '_' or '-' or '.')) at++;
        var word = text[start..at];
        // A property whose name has other characters: properties."my key".
        return word == "properties." && at < text.Length && text[at] == '"' ? word + Quoted(text, ref at) : word;
    }
}
