using System.Text;
using ScrmStream.Host.Settings;
using YamlDotNet.RepresentationModel;

namespace ScrmStream.Host.Mapping;

/// <summary>Reads a mapping file (schemas/mappings/README.md has the grammar) into an <see cref="EventMapping"/>.</summary>
public static class MappingFile
{
    private const int FileBytesMax = 1024 * 1024;

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="SettingsException">The file is refused; the message is <c>file:line:column: reason</c>.</exception>
    public static EventMapping Load(string path)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no mapping file {path}.", path);
        if (new FileInfo(path).Length > FileBytesMax)
            throw new SettingsException($"{path}:1:1: a mapping file has at most {FileBytesMax} bytes");
        return Parse(File.ReadAllText(path), path);
    }

    /// <param name="file">What messages call it.</param>
    /// <exception cref="SettingsException">The text is refused; the message is <c>file:line:column: reason</c>.</exception>
    public static EventMapping Parse(string text, string file) => Parse(text, file, complete: null);

    /// <param name="complete">Adds fields to the event that the text does not name.</param>
    internal static EventMapping Parse(string text, string file, Action<YamlMappingNode>? complete)
    {
        var yaml = new MappingYaml(file);
        var root = MappingYaml.Load(file, text);
        var keys = yaml.Map(root, "a mapping", "description", "format", "header", "delimiter", "columns", "time_zone", "skip", "event");
        if (!keys.TryGetValue("format", out var formatNode)) throw yaml.Error(root, "the key 'format' (csv or ndjson) is missing");
        if (!keys.TryGetValue("event", out var eventNode)) throw yaml.Error(root, "the key 'event' with the fields of an event is missing");
        if (eventNode is YamlMappingNode named) complete?.Invoke(named);
        var isCsv = yaml.Choice(formatNode, "format", "csv", "ndjson") == "csv";
        if (!isCsv) RefuseCsvKeys(yaml, keys);
        var columns = Columns(yaml, root, keys, isCsv);
        var zone = Zone(yaml, keys);
        var used = new UsedColumns(yaml, columns);
        var fields = new EventFields(yaml, used, zone).Read(eventNode);
        var skips = keys.TryGetValue("skip", out var skip) ? Skips(yaml, used, skip) : [];
        var source = new MappingSource(isCsv, isCsv && columns.Count == 0, Delimiter(yaml, keys), columns, used.Names, zone);
        return new EventMapping(source, fields, skips);
    }

    private static void RefuseCsvKeys(MappingYaml yaml, Dictionary<string, YamlNode> keys)
    {
        foreach (var key in new[] { "header", "delimiter", "columns" })
        {
            if (keys.TryGetValue(key, out var node)) throw yaml.Error(node, $"'{key}' is for format csv only");
        }
    }

    private static List<string> Columns(MappingYaml yaml, YamlNode root, Dictionary<string, YamlNode> keys, bool isCsv)
    {
        if (!isCsv) return [];
        var hasHeader = yaml.Boolean(keys, "header") ?? throw yaml.Error(root, "csv needs the key 'header': true or false");
        if (!keys.TryGetValue("columns", out var node))
            return hasHeader ? [] : throw yaml.Error(root, "a csv without a header needs the key 'columns', a list of names");
        if (hasHeader) throw yaml.Error(node, "'columns' is for a csv without a header; with one the file names them");
        var names = yaml.List(node, "columns").Children.Select(c => yaml.Scalar(c, "a column's name")).ToList();
        if (names.Count == 0) throw yaml.Error(node, "'columns' names no column");
        var twice = names.GroupBy(n => n).FirstOrDefault(g => g.Count() > 1);
        return twice is null ? names : throw yaml.Error(node, $"column '{twice.Key}' is named twice");
    }

    private static byte Delimiter(MappingYaml yaml, Dictionary<string, YamlNode> keys)
    {
        var text = yaml.Text(keys, "delimiter") ?? ",";
        if (text is "tab" or "\\t") return (byte)'\t';
        if (text == "spaces") return CsvFields.Spaces;
        return text.Length == 1 && text[0] is > ' ' and < '\u007f' and not '"' or '\t'
            ? (byte)text[0]
            : throw yaml.Error(keys["delimiter"], "the delimiter is one ASCII character, not a quote, or 'tab' or 'spaces'");
    }

    private static TimeZoneInfo? Zone(MappingYaml yaml, Dictionary<string, YamlNode> keys)
    {
        if (yaml.Text(keys, "time_zone") is not { } name) return null;
        try
        {
            return TimeZoneInfo.FindSystemTimeZoneById(name);
        }
        catch (Exception e) when (e is TimeZoneNotFoundException or InvalidTimeZoneException)
        {
            throw yaml.Error(
                keys["time_zone"], $"this machine knows no time zone '{name}'; use a name such as Asia/Shanghai (package tzdata)");
        }
    }

    private static List<SkipCondition> Skips(MappingYaml yaml, UsedColumns used, YamlNode node)
    {
        List<SkipCondition> skips = [];
        foreach (var item in yaml.List(node, "skip"))
        {
            var keys = yaml.Map(item, "a skip condition", "column", "in", "not_in");
            if (!keys.TryGetValue("column", out var column)) throw yaml.Error(item, "a skip condition needs 'column'");
            if (keys.ContainsKey("in") == keys.ContainsKey("not_in"))
                throw yaml.Error(item, "a skip condition has one of 'in' and 'not_in'");
            var isNegated = keys.TryGetValue("not_in", out var list);
            var values = yaml.List(list ?? keys["in"], "the values").Children.Select(v => yaml.Utf8(v, "a value")).ToArray();
            skips.Add(new SkipCondition(used.NumberOf(column, yaml.Scalar(column, "column")), values, isNegated));
        }
        return skips;
    }
}

/// <summary>Numbers the columns that a mapping names, in order of their first use.</summary>
internal sealed class UsedColumns(MappingYaml yaml, IReadOnlyList<string> columns)
{
    public List<string> Names { get; } = [];

    public int NumberOf(YamlNode node, string name)
    {
        if (columns.Count > 0 && !columns.Contains(name))
            throw yaml.Error(node, $"there is no column '{name}'; there are {string.Join(", ", columns)}");
        var number = Names.IndexOf(name);
        if (number >= 0) return number;
        Names.Add(name);
        return Names.Count - 1;
    }

    public RowTemplate Template(YamlNode node, string what)
    {
        try
        {
            return RowTemplate.Parse(yaml.Scalar(node, what), name => NumberOf(node, name));
        }
        catch (FormatException e)
        {
            throw yaml.Error(node, e.Message);
        }
    }

    /// <summary>A template, or a map with <c>value</c>, <c>words</c>, <c>default</c> and further keys.</summary>
    public MappedText Text(YamlNode node, string what, Dictionary<string, YamlNode> keys)
    {
        if (node is YamlScalarNode) return new MappedText(Template(node, what), [], []);
        if (!keys.TryGetValue("value", out var value)) throw yaml.Error(node, $"{what} needs 'value'");
        var words = keys.TryGetValue("words", out var map)
            ? yaml.Map(map, "words").Select(w => (Encoding.UTF8.GetBytes(w.Key), yaml.Utf8(w.Value, w.Key))).ToList()
            : [];
        return new MappedText(Template(value, what), words, keys.TryGetValue("default", out var text) ? yaml.Utf8(text, "default") : []);
    }
}
