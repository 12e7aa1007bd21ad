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
            if (!known.Contains(name))
                throw Error(key, $"unknown key '{name}'; there are {string.Join(", ", known)}{Suggestion.Of(name, known)}");
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

    public string Text(Dictionary<string, YamlNode> entries, string key) =>
        entries.TryGetValue(key, out var node) ? Scalar(node, "a text") : "";

    public string Scalar(YamlNode node, string what) =>
        node is YamlScalarNode scalar ? scalar.Value ?? "" : throw Error(node, $"expected {what}");

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
