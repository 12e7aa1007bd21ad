using System.Text;

namespace ScrmStream.Rules;

/// <summary>
/// Lets expressions stand in a rule file without quotes although YAML would stumble over them: over the ": " of <c>within: 7d</c>, and in
/// braces over the commas of <c>event in ("a", "b")</c>. Such text is quoted before YAML sees it; lines and columns stay what they were.
/// What is valid YAML is left alone.
/// </summary>
internal static class BareExpressions
{
    private static readonly string[] KeysInBraces =
        [" when: ", "{when: ", " value: ", "{value: ", " on: ", "{on: ", " if: ", "{if: "];

    /// <param name="quotedLines">The lines (from 1) that were changed.</param>
    public static string Quote(string text, out HashSet<int> quotedLines)
    {
        quotedLines = [];
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            // The last first, so that the others stay where they are.
            foreach (var start in StartsOfExpressions(lines[i], out var inBraces))
            {
                var end = EndOfExpression(lines[i], start, inBraces, out var needsQuotes);
                if (!needsQuotes) continue;
                lines[i] = new StringBuilder().Append(lines[i], 0, start)
                    .Append('\'').Append(lines[i][start..end].Replace("'", "''")).Append('\'')
                    .Append(lines[i], end, lines[i].Length - end).ToString();
                quotedLines.Add(i + 1);
            }
        }
        return string.Join('\n', lines);
    }

    // Where unquoted text begins behind "key: ", or in braces behind each "when: ", "value: ", "on: " or "if: "; the last first.
    private static List<int> StartsOfExpressions(string line, out bool inBraces)
    {
        var content = line.AsSpan().TrimStart(" -");
        inBraces = content.StartsWith("{") || content.StartsWith("points: [");
        var starts = inBraces
            ? KeysInBraces.Select(key => line.IndexOf(key, StringComparison.Ordinal) is >= 0 and var at ? at + key.Length : -1)
            : [StartBehindKey(line)];
        return [.. starts.Where(s => s >= 0).Select(s => FirstLetter(line, s)).Where(s => s >= 0).OrderDescending()];
    }

    private static int StartBehindKey(string line)
    {
        var start = line.IndexOf(": ", StringComparison.Ordinal) + 2;
        foreach (var c in line.AsSpan(0, Math.Max(start - 2, 0)).Trim(" -"))
        {
            if (!char.IsLetterOrDigit(c) && c is not ('_' or '-' or '.')) return -1;
        }
        return start < 2 ? -1 : start;
    }

    private static int FirstLetter(string line, int start)
    {
        while (start < line.Length && line[start] == ' ') start++;
        return start < line.Length && (char.IsLetter(line[start]) || line[start] == '(') ? start : -1;
    }

    // Up to a comment (in YAML " #"), in braces up to a comma or brace outside parentheses.
    private static int EndOfExpression(string line, int start, bool inBraces, out bool needsQuotes)
    {
        var inText = false;
        var depth = 0;
        var i = start;
        needsQuotes = false;
        for (; i < line.Length && line[i] != '\r'; i++)
        {
            var c = line[i];
            if (c == '"') inText = !inText;
            if (inText) continue;
            if (c == '#' && line[i - 1] == ' ') break;
            if (inBraces && depth == 0 && c is ',' or '}') break;
            depth += c switch { '(' => 1, ')' => -1, _ => 0 };
            needsQuotes |= (c == ':' && i + 1 < line.Length && line[i + 1] == ' ') || (inBraces && c == ',');
        }
        while (line[i - 1] == ' ') i--;
        return i;
    }
}
