using System.Text;
using ScrmStream.Profiles;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ScrmStream.Rules;

/// <summary>Typed access to the nodes of one rule file, with messages that name file, line and column.</summary>
/// <param name="quotedLines">Lines (from 1) on which <see cref="BareExpressions"/> added a quotation mark.</param>
internal sealed class YamlAccess(string file, HashSet<int> quotedLines)
{
    private const int NameCharactersMax = 64;

    public Place PlaceOf(YamlNode node) => new(file, (int)node.Start.Line, (int)node.Start.Column);

    public RuleFileException Error(YamlNode node, string reason) => PlaceOf(node).Error(reason);

    /// <summary>The entries of a map with none but the known keys.</summary>
    public Dictionary<string, YamlNode> Map(YamlNode node, string what, string[] known, string[] later)
    {
        if (node is not YamlMappingNode map) throw Error(node, $"expected a map with the keys of {what}");
        Dictionary<string, YamlNode> entries = [];
        foreach (var (key, value) in map.Children)
        {
            var name = Scalar(key, "a key");
            if (later.Contains(name)) throw Error(key, $"not supported yet: '{name}'");
            if (!known.Contains(name)) throw Error(key, $"unknown key '{name}'; there are {string.Join(", ", known)}");
            entries.Add(name, value);
        }
        return entries;
    }

    /// <summary>The items of a list; none when the key is absent.</summary>
    public List<YamlNode> List(Dictionary<string, YamlNode> entries, string key, int max)
    {
        if (!entries.TryGetValue(key, out var node)) return [];
        if (node is not YamlSequenceNode list) throw Error(node, $"'{key}' is a list");
        return list.Children.Count <= max ? [.. list.Children] : throw Error(node, $"'{key}' has at most {max} entries");
    }

    public string Name(YamlNode owner, Dictionary<string, YamlNode> entries, string key)
    {
        if (!entries.TryGetValue(key, out var node)) throw Error(owner, $"the key '{key}' with its name is missing");
        var name = Scalar(node, "a name");
        var ok = name.Length is > 0 and <= NameCharactersMax && name.All(c => char.IsLetterOrDigit(c) || c is '_' or '-' or '.');
        return ok ? name : throw Error(node, $"a name has 1 to {NameCharactersMax} letters, digits, '_', '-' or '.'");
    }

    public string Text(Dictionary<string, YamlNode> entries, string key) => entries.TryGetValue(key, out var node) ? Scalar(node, "a text") : "";

    public string Scalar(YamlNode node, string what) => node is YamlScalarNode scalar ? scalar.Value ?? "" : throw Error(node, $"expected {what}");

    public long Duration(YamlNode node)
    {
        var reason = RuleDuration.TryParse(Scalar(node, "a duration"), out var milliseconds);
        return reason is null ? milliseconds : throw Error(node, reason);
    }

    public Int128 Number(YamlNode node)
    {
        var text = Scalar(node, "a number");
        return Micro.TryParseExact(text, out var micro) ? micro : throw Error(node, $"'{text}' is no number with at most six decimals");
    }

    public Located<T> Expression<T>(YamlNode node, Func<string, T> parse)
    {
        var text = Scalar(node, "an expression");
        var place = PlaceOf(node);
        var style = ((YamlScalarNode)node).Style;
        var isQuoted = style is ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted;
        if (isQuoted && !quotedLines.Contains(place.Line)) place = place with { Column = place.Column + 1 };
        var oneLine = node.Start.Line == node.End.Line && (isQuoted || style == ScalarStyle.Plain);
        try
        {
            return new Located<T>(parse(text), place, oneLine);
        }
        catch (ExpressionException e)
        {
            throw new Located<T>(default!, place, oneLine).Error(e);
        }
    }
}

/// <summary>
/// Lets expressions stand in a rule file without quotes although YAML would stumble over the ": " of <c>within: 7d</c>: a line
/// <c>key: text</c> whose unquoted text holds ": " is quoted before YAML sees it. Lines and columns stay what they were.
/// </summary>
internal static class BareExpressions
{
    public static string Quote(string text, out HashSet<int> quotedLines)
    {
        quotedLines = [];
        if (!text.Contains("within:", StringComparison.Ordinal)) return text;
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (!TryQuote(lines[i], out var quoted)) continue;
            lines[i] = quoted;
            quotedLines.Add(i + 1);
        }
        return string.Join('\n', lines);
    }

    private static bool TryQuote(string line, out string quoted)
    {
        quoted = line;
        var colon = line.IndexOf(": ", StringComparison.Ordinal);
        if (colon < 0 || !line.AsSpan(0, colon).Trim(" -").ToString().All(c => char.IsLetterOrDigit(c) || c is '_' or '-' or '.')) return false;
        var start = colon + 2;
        while (start < line.Length && line[start] == ' ') start++;
        if (start == line.Length || !(char.IsAsciiLetter(line[start]) || line[start] == '(')) return false;
        var end = EndOfText(line, start);
        var content = line[start..end].TrimEnd();
        if (!content.Contains("within: ", StringComparison.Ordinal)) return false;
        quoted = new StringBuilder().Append(line, 0, start).Append('\'').Append(content.Replace("'", "''")).Append('\'')
            .Append(line, start + content.Length, line.Length - start - content.Length).ToString();
        return true;
    }

    // Up to a comment, which in YAML starts with " #"; one inside double quotes is text.
    private static int EndOfText(string line, int start)
    {
        var inQuotes = false;
        for (var i = start; i < line.Length; i++)
        {
            if (line[i] == '"') inQuotes = !inQuotes;
            else if (line[i] == '#' && !inQuotes && line[i - 1] == ' ') return i;
        }
        return line.TrimEnd('\r').Length;
    }
}
