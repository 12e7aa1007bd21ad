using System.Globalization;
using System.Text.Json.Nodes;
using ScrmStream.Host.Commands;
using ScrmStream.Host.Mapping;
using ScrmStream.Rules;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ScrmStream.Host.RuleCases;

/// <summary>One event of a case, as canonical JSON.</summary>
public sealed record CaseEvent(long TimeMs, string Json);

/// <summary>What has to be so at a time; null where the case says nothing.</summary>
/// <param name="Tags">Tags that hold; with a value where the case gives one.</param>
/// <param name="NextChange">The next moment at which anything can change.</param>
public sealed record CaseExpectation(
    int Line, long TimeMs, IReadOnlyList<(string Tag, string? Value)> Tags, IReadOnlyList<string> Absent,
    IReadOnlyList<(string Score, decimal Points)> Scores, IReadOnlyList<(string Score, string Grade)> Grades, long? NextChange)
{
    /// <summary>Attributes with their values, as text.</summary>
    public IReadOnlyList<(string Attribute, string Value)> Attributes { get; init; } = [];
    /// <summary>The stages of leads by pipeline; <see cref="None"/>: there is no lead.</summary>
    public IReadOnlyList<(string Pipeline, string Stage)> Stages { get; init; } = [];
    /// <summary>The reminders of leads by pipeline; <see cref="None"/>: there is none.</summary>
    public IReadOnlyList<(string Pipeline, string Reminder)> Reminders { get; init; } = [];
    /// <summary>All actions sent since the expectation before, in order of time; null where the case says nothing.</summary>
    public IReadOnlyList<string>? Actions { get; init; }
    /// <summary>The same of those suppressed, with their reasons.</summary>
    public IReadOnlyList<(string Action, string Reason)>? Suppressed { get; init; }
    /// <summary>The time of the expectation before.</summary>
    public long SinceMs { get; init; } = long.MinValue;

    /// <summary>The word for a lead or reminder that is not there.</summary>
    public const string None = "none";
}

/// <summary>The events of one customer, and what has to follow at some times.</summary>
public sealed record RuleCase(string Name, int Line, IReadOnlyList<CaseEvent> Events, IReadOnlyList<CaseExpectation> Expected);

/// <summary>
/// Reads cases that stand beside a rule file: <c>pets.cases.yaml</c> beside <c>pets.yaml</c>. The format is that of
/// docs/tutorials/rules-by-example.md.
/// </summary>
public sealed class RuleCaseFile
{
    private const string Suffix = ".cases.yaml";

    // The names of a canonical event; time and identifiers are the case's.
    private static readonly string[] EventKeys =
    [
        "at", "event", "event_id", "channel", "page", "session_id", "referrer", "campaign", "share", "amount_fen", "currency", "properties",
    ];

    private readonly MappingYaml _yaml;
    private readonly TimeZoneInfo _zone;

    private RuleCaseFile(string file, TimeZoneInfo zone)
    {
        _yaml = new MappingYaml(file);
        _zone = zone;
    }

    /// <summary>The file of cases that belongs to a rule file.</summary>
    public static string Beside(string ruleFile) => Path.ChangeExtension(ruleFile, null) + Suffix;

    /// <exception cref="Settings.SettingsException">It cannot be read, or something in it is wrong; the message has file, line and
    /// column.</exception>
    public static IReadOnlyList<RuleCase> Load(string file, RuleSet rules)
    {
        string text;
        try
        {
            text = File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Settings.SettingsException($"{file}: cannot be read: {e.Message}");
        }
        var zone = rules.Zone.Id == Times.Shanghai.Id ? Times.Shanghai : TimeZoneInfo.FindSystemTimeZoneById(rules.Zone.Id);
        return new RuleCaseFile(file, zone).Cases(MappingYaml.Load(file, text, "a file of cases"));
    }

    private List<RuleCase> Cases(YamlNode root)
    {
        var keys = _yaml.Map(root, "a file of cases", "cases");
        if (!keys.TryGetValue("cases", out var list)) throw _yaml.Error(root, "'cases' is missing");
        return [.. _yaml.List(list, "cases").Children.Select(Case)];
    }

    private RuleCase Case(YamlNode node)
    {
        var keys = _yaml.Map(node, "a case", "case", "events", "expect");
        var name = _yaml.Text(keys, "case") ?? throw _yaml.Error(node, "'case' with its name is missing");
        if (!keys.TryGetValue("events", out var events)) throw _yaml.Error(node, $"case '{name}' has no 'events'");
        if (!keys.TryGetValue("expect", out var expect)) throw _yaml.Error(node, $"case '{name}' has no 'expect'");
        long? before = null;
        List<CaseEvent> told = [];
        foreach (var e in _yaml.List(events, "events").Children)
        {
            told.Add(Event(e, before));
            before = told[^1].TimeMs;
        }
        List<CaseExpectation> expected = [];
        foreach (var e in _yaml.List(expect, "expect").Children)
        {
            expected.Add(Expectation(e, before) with { SinceMs = expected.Count == 0 ? long.MinValue : expected[^1].TimeMs });
            before = expected[^1].TimeMs;
        }
        return new RuleCase(name, (int)node.Start.Line, told, expected);
    }

    private CaseEvent Event(YamlNode node, long? before)
    {
        var keys = _yaml.Map(node, "an event", EventKeys);
        var timeMs = Time(node, keys, before);
        var json = new JsonObject();
        foreach (var (key, value) in keys.Where(k => k.Key != "at")) json[key] = ToJson(value);
        json["event_time"] = timeMs;
        json["identifiers"] = new JsonArray(new JsonObject { ["kind"] = "member_id", ["scope"] = "case", ["value"] = "one" });
        return new CaseEvent(timeMs, json.ToJsonString());
    }

    private CaseExpectation Expectation(YamlNode node, long? before)
    {
        var keys = _yaml.Map(node, "an expectation", "at", "attributes", "tags", "absent", "scores", "grades", "stages", "reminders",
            "actions", "suppressed", "next_change");
        var timeMs = Time(node, keys, before);
        var absent = keys.TryGetValue("absent", out var a) ? _yaml.List(a, "absent").Children.Select(t => _yaml.Scalar(t, "a tag")) : [];
        return new CaseExpectation(
            (int)node.Start.Line, timeMs, [.. keys.TryGetValue("tags", out var tags) ? Tags(tags) : []], [.. absent],
            [.. Named(keys, "scores").Select(s => (s.Name, Number(s.Value)))],
            [.. Named(keys, "grades").Select(g => (g.Name, _yaml.Scalar(g.Value, "a grade")))],
            keys.TryGetValue("next_change", out var next) ? TimeOf(next, timeMs) : null)
        {
            Attributes = [.. Named(keys, "attributes").Select(a => (a.Name, _yaml.Scalar(a.Value, "an attribute's value")))],
            Stages = [.. Named(keys, "stages").Select(s => (s.Name, _yaml.Scalar(s.Value, "a stage")))],
            Reminders = [.. Named(keys, "reminders").Select(r => (r.Name, _yaml.Scalar(r.Value, "a reminder")))],
            Actions = keys.TryGetValue("actions", out var sent)
                ? [.. _yaml.List(sent, "actions").Children.Select(a => _yaml.Scalar(a, "an action"))] : null,
            Suppressed = keys.ContainsKey("suppressed")
                ? [.. Named(keys, "suppressed").Select(s => (s.Name, _yaml.Scalar(s.Value, "a reason")))] : null,
        };
    }

    // A list of names, or a map of names and values.
    private IEnumerable<(string, string?)> Tags(YamlNode node) => node is YamlSequenceNode list
        ? list.Children.Select(t => (_yaml.Scalar(t, "a tag"), (string?)null))
        : _yaml.Map(node, "tags").Select(t => (t.Key, (string?)_yaml.Scalar(t.Value, "a tag's value")));

    private IEnumerable<(string Name, YamlNode Value)> Named(Dictionary<string, YamlNode> keys, string key) =>
        keys.TryGetValue(key, out var node) ? _yaml.Map(node, key).Select(e => (e.Key, e.Value)) : [];

    private decimal Number(YamlNode node) =>
        decimal.TryParse(_yaml.Scalar(node, "points"), NumberStyles.Number, CultureInfo.InvariantCulture, out var number)
            ? number : throw _yaml.Error(node, "points are a number");

    private long Time(YamlNode owner, Dictionary<string, YamlNode> keys, long? before) =>
        keys.TryGetValue("at", out var node) ? TimeOf(node, before) : throw _yaml.Error(owner, "'at' is missing: when?");

    // A time, or +20m after what stands before.
    private long TimeOf(YamlNode node, long? before)
    {
        var text = _yaml.Scalar(node, "a time");
        var isAfter = text.StartsWith('+');
        if (isAfter && before is null) throw _yaml.Error(node, $"'{text}' comes after nothing; the first time is a date and time");
        try
        {
            return isAfter
                ? before!.Value + (long)Durations.Parse(text[1..], "at")!.Value.TotalMilliseconds
                : Times.Parse(text, "at", _zone)!.Value;
        }
        catch (Settings.SettingsException e)
        {
            throw _yaml.Error(node, e.Message);
        }
    }

    private static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(
            map.Children.Select(c => KeyValuePair.Create(((YamlScalarNode)c.Key).Value!, ToJson(c.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(ToJson)]),
        YamlScalarNode { Style: ScalarStyle.Plain, Value: "true" or "false" } flag => JsonValue.Create(flag.Value == "true"),
        YamlScalarNode { Style: ScalarStyle.Plain } n when long.TryParse(n.Value, CultureInfo.InvariantCulture, out var whole) => whole,
        YamlScalarNode { Style: ScalarStyle.Plain } n when IsDouble(n.Value, out var value) => value,
        _ => JsonValue.Create(((YamlScalarNode)node).Value),
    };

    private static bool IsDouble(string? text, out double value) =>
        double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value);
}
