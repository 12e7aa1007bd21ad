using System.Globalization;
using System.Text;
using ScrmStream.Host.Mapping;
using ScrmStream.Host.Settings;
using YamlDotNet.RepresentationModel;

namespace ScrmStream.Host.Importing;

/// <summary>
/// What an import says of everybody that its rows name: that they are on a list, or no longer, or what their attributes are. Rows become
/// events like others, so a replay and a rebuild have them.
/// </summary>
/// <param name="List">A manual tag of the rules; null: rows carry attributes.</param>
/// <param name="IsRemoval">They are on the list no longer.</param>
/// <param name="Author">Who answers for it.</param>
/// <param name="AtMs">From when on it is so, Unix milliseconds.</param>
public sealed record ImportPlan(string? List, bool IsRemoval, string Author, long AtMs)
{
    private string EventName => List is null ? "profile_update" : IsRemoval ? "tag_unset" : "tag_set";

    // The same import published twice is one event each.
    private string EventId => string.Create(CultureInfo.InvariantCulture, $"import-{List ?? "attributes"}-{EventName}-{AtMs}");

    /// <summary>By a mapping file, which says who is named and what their attributes are; the rest is the import's.</summary>
    /// <exception cref="SettingsException">The file is refused; the message has line and column.</exception>
    public EventMapping ByFile(string path)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no mapping file {path}.", path);
        return MappingFile.Parse(File.ReadAllText(path), path, Complete);
    }

    /// <summary>By the columns of a CSV with a header, or the fields of NDJSON.</summary>
    /// <param name="identifier"><c>KIND:SCOPE:COLUMN</c>, split at the first two colons.</param>
    /// <param name="attributes">Attribute and column.</param>
    public EventMapping ByColumns(bool isCsv, string identifier, IReadOnlyList<(string Attribute, string Column)> attributes)
    {
        if (identifier.Split(':', 3) is not [var kind, var scope, { Length: > 0 } column])
            throw new SettingsException($"--identifier '{identifier}': give KIND:SCOPE:COLUMN, as in phone::mobile or openid:wx1:open_id.");
        var inScope = scope.Length == 0 ? "" : $", scope: {Quote(scope)}";
        var text = new StringBuilder(isCsv ? "format: csv\nheader: true\n" : "format: ndjson\n").Append("event:\n  identifiers:\n")
            .Append($"    - {{ kind: {Quote(kind)}, value: {Quote($"{{{column}}}")}{inScope} }}\n");
        if (attributes.Count > 0) text.Append("  properties:\n");
        foreach (var (attribute, from) in attributes) text.Append($"    {Quote(attribute)}: {Quote($"{{{from}}}")}\n");
        return MappingFile.Parse(text.ToString(), "(--identifier, --attribute)", Complete);
    }

    // What the file does not say itself.
    private void Complete(YamlMappingNode fields)
    {
        Add(fields, "event_id", EventId);
        Add(fields, "event", EventName);
        Add(fields, "channel", "crm");
        if (!fields.Children.ContainsKey("event_time"))
        {
            var time = new YamlMappingNode { { "value", AtMs.ToString(CultureInfo.InvariantCulture) }, { "format", "unix_ms" } };
            fields.Add("event_time", time);
        }
        if (List is null) return;
        if (!fields.Children.TryGetValue("properties", out var known)) fields.Add("properties", known = new YamlMappingNode());
        if (known is not YamlMappingNode properties) return;
        Add(properties, "tag", List);
        Add(properties, "author", Author);
    }

    private static void Add(YamlMappingNode map, string key, string value)
    {
        if (!map.Children.ContainsKey(key)) map.Add(key, value.Replace("{", "{{").Replace("}", "}}"));
    }

    private static string Quote(string text) => $"'{text.Replace("'", "''")}'";
}
