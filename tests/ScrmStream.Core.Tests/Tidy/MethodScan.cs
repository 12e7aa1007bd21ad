using System.Text.RegularExpressions;

namespace ScrmStream.Tests.Tidy;

/// <summary>A method, constructor, operator or accessor, with the lines from its declaration to its end.</summary>
public readonly record struct ScannedMethod(string Header, int FirstLine, int Lines);

/// <summary>
/// Finds methods by counting braces in masked text: members of a type with parentheses or an arrow before the body. Local functions
/// and lambdas count as part of the method around them.
/// </summary>
public static partial class MethodScan
{
    public static List<ScannedMethod> Of(string text)
    {
        var code = CodeMask.Of(text);
        var found = new List<ScannedMethod>();
        Members(code, 0, found);
        return found;
    }

    // Reads the members of a type, a namespace or a file from here to its closing brace; returns the place behind it.
    private static int Members(string code, int at, List<ScannedMethod> found)
    {
        var start = at;
        for (; at < code.Length; at++)
        {
            switch (code[at])
            {
                case '}':
                    return at + 1;
                case ';':
                    start = at + 1;
                    break;
                case '(' or '[':
                    at = Matching(code, at);
                    break;
                case '=' when !IsOperator(code, start, at):
                    at = EndOfExpression(code, at);
                    if (code[Math.Min(at, code.Length - 1)] == ';') Note(code, start, at, found);
                    start = at + 1;
                    break;
                case '{':
                    at = Block(code, start, at, found) - 1;
                    start = at + 1;
                    break;
            }
        }
        return at;
    }

    // A block that follows a header: more members, a method's body, or a property's accessors.
    private static int Block(string code, int start, int open, List<ScannedMethod> found)
    {
        var header = code[start..open];
        if (ContainerWord().IsMatch(Constraints().Replace(header, ""))) return Members(code, open + 1, found);
        var end = Matching(code, open);
        if (HasParameters(header) || Accessor().IsMatch(header)) Note(code, start, end, found);
        else Members(code, open + 1, found);
        return end + 1;
    }

    private static void Note(string code, int start, int end, List<ScannedMethod> found)
    {
        var header = code[start..end];
        var body = header.IndexOfAny(['{', ';']);
        var arrow = header.IndexOf("=>", StringComparison.Ordinal);
        var isArrow = arrow >= 0 && (body < 0 || arrow < body);
        if (isArrow) body = arrow;
        var declaration = body < 0 ? header : header[..body];
        // An assignment that is no arrow is a field with a value.
        if (!isArrow && Regex.IsMatch(Attributes().Replace(declaration, ""), @"(?<![=!<>])=(?![=>])")) return;
        var trimmed = Attributes().Replace(declaration, m => new string('\n', m.Value.Count(c => c == '\n')));
        var first = start + (trimmed.Length - trimmed.TrimStart().Length) + (declaration.Length - trimmed.Length);
        var firstLine = code.AsSpan(0, Math.Min(first, end)).Count('\n') + 1;
        var lastLine = code.AsSpan(0, Math.Min(end, code.Length)).Count('\n') + 1;
        found.Add(new ScannedMethod(Whitespace().Replace(trimmed, " ").Trim(), firstLine, lastLine - firstLine + 1));
    }

    private static bool HasParameters(string header) => Attributes().Replace(header, "").Contains('(');

    // "operator ==" and its like are names, not assignments.
    private static bool IsOperator(string code, int start, int at) => code[start..at].Contains("operator", StringComparison.Ordinal)
        && !code[start..at].Contains('(') && (at + 1 >= code.Length || code[at + 1] != '>');

    private static int EndOfExpression(string code, int at)
    {
        for (; at < code.Length && code[at] != ';'; at++)
            if (code[at] is '(' or '[' or '{') at = Matching(code, at);
        return at;
    }

    private static int Matching(string code, int open)
    {
        var depth = 0;
        for (var at = open; at < code.Length; at++)
        {
            if (code[at] is '(' or '[' or '{') depth++;
            else if (code[at] is ')' or ']' or '}' && --depth == 0) return at;
        }
        return code.Length - 1;
    }

    [GeneratedRegex(@"\b(class|struct|record|interface|enum|namespace|extension)\b")]
    private static partial Regex ContainerWord();

    [GeneratedRegex(@"\bwhere\b[\s\S]*$")]
    private static partial Regex Constraints();

    [GeneratedRegex(@"^\s*(\[[^\]]*\]\s*)*((private|protected|internal)\s+)*(get|set|init|add|remove)\s*$")]
    private static partial Regex Accessor();

    [GeneratedRegex(@"^(\s*\[(?:[^\[\]]|\[[^\]]*\])*\])+")]
    private static partial Regex Attributes();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Whitespace();
}
