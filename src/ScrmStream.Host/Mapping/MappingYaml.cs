using System.Text;
using ScrmStream.Host.Settings;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ScrmStream.Host.Mapping;

/// <summary>Typed access to the nodes of one file of mappings or cases; what is wrong is said with file, line and column.</summary>
internal sealed class MappingYaml(string file)
{
    public static YamlNode Load(string file, string text, string what = "a mapping file")
    {
        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            if (stream.Documents.Count == 1) return stream.Documents[0].RootNode;
            throw new SettingsException($"{file}:1:1: {what} is one YAML document");
        }
        catch (YamlException e)
        {
            throw new SettingsException($"{file}:{e.Start.Line}:{e.Start.Column}: not readable as YAML: {e.Message}");
        }
    }

    public SettingsException Error(YamlNode node, string reason) => new($"{file}:{node.Start.Line}:{node.Start.Column}: {reason}");

    /// <summary>The entries of a map; a key that is not known is refused, without known keys any is taken.</summary>
    public Dictionary<string, YamlNode> Map(YamlNode node, string what, params ReadOnlySpan<string> known)
    {
        if (node is not YamlMappingNode map) throw Error(node, $"{what} is a map");
        Dictionary<string, YamlNode> entries = new(StringComparer.Ordinal);
        foreach (var (key, value) in map.Children)
        {
            var name = Scalar(key, "a key");
            if (!known.IsEmpty && !known.Contains(name))
                throw Error(key, $"unknown key '{name}' of {what}; there are {string.Join(", ", known!)}");
            entries.Add(name, value);
        }
        return entries;
    }

    public YamlSequenceNode List(YamlNode node, string what) => node as YamlSequenceNode ?? throw Error(node, $"{what} is a list");

    public string Scalar(YamlNode node, string what) =>
        node is YamlScalarNode { Value: { } text } ? text : throw Error(node, $"{what} is a single value");

    public string? Text(Dictionary<string, YamlNode> entries, string key) =>
        entries.TryGetValue(key, out var node) ? Scalar(node, key) : null;

    public bool? Boolean(Dictionary<string, YamlNode> entries, string key) => Text(entries, key) switch
    {
        null => null,
        "true" => true,
        "false" => false,
        _ => throw Error(entries[key], $"{key} is true or false"),
    };

    public string Choice(YamlNode node, string what, params ReadOnlySpan<string> choices)
    {
        var text = Scalar(node, what);
        return choices.Contains(text) ? text : throw Error(node, $"{what} '{text}': use one of {string.Join(", ", choices!)}");
    }

    public byte[] Utf8(YamlNode node, string what) => Encoding.UTF8.GetBytes(Scalar(node, what));
}
