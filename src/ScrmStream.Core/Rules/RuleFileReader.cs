using ScrmStream.Profiles;
using ScrmStream.Rules.Actions;
using ScrmStream.Rules.Stages;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ScrmStream.Rules;

/// <summary>Reads the YAML of a rule file into syntax. Every key is known or refused.</summary>
internal sealed class RuleFileReader
{
    private const int TagsMax = 1024;
    private const int AttributesMax = 256;
    private const int ScoresMax = 64;
    private const int PipelinesMax = 16;
    private const int ActionsMax = 256;
    private const int GroupValuesMax = 64;
    private const int GroupValueBytesMax = 128;

    private static readonly string[] LaterSections = ["segments", "funnels", "lists"];
    private static readonly string[] TagKeys =
        ["tag", "description", "when", "value", "values", "set", "grid", "manual", "expires"];
    private static readonly string[] LaterTagKeys = ["after", "once_per", "priority", "timer", "sequence"];

    private static readonly EventNameFilter ProfileUpdate = new(["profile_update"]);

    private readonly YamlAccess _yaml;
    private CalendarZone _zone = CalendarZone.Shanghai;

    private RuleFileReader(YamlAccess yaml) => _yaml = yaml;

    private static RuleFileSyntax Nothing { get; } = new(CalendarZone.Shanghai, [], [], []);

    /// <exception cref="RuleFileException">With file, line, column and reason.</exception>
    public static RuleFileSyntax Read(string text, string file)
    {
        var bare = BareExpressions.Quote(text, out var quotedLines);
        var yaml = new YamlAccess(file, quotedLines);
        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(bare));
            if (stream.Documents.Count == 0) return Nothing;
            if (stream.Documents.Count > 1) throw yaml.Error(stream.Documents[1].RootNode, "a rule file is one YAML document");
            return new RuleFileReader(yaml).File(stream.Documents[0].RootNode);
        }
        catch (YamlException e)
        {
            throw new RuleFileException(file, (int)e.Start.Line, (int)e.Start.Column, $"not readable as YAML: {e.Message}");
        }
    }

    private RuleFileSyntax File(YamlNode root)
    {
        if (root is YamlScalarNode { Value: null or "" }) return Nothing;
        var sections = _yaml.Map(
            root, "a rule file", ["time_zone", "attributes", "tags", "scores", "stages", "actions", "contact"], LaterSections);
        if (sections.TryGetValue("time_zone", out var zone)) _zone = Zone(zone);
        var attributes = _yaml.List(sections, "attributes", AttributesMax).ConvertAll(Attribute);
        var tags = _yaml.List(sections, "tags", TagsMax).ConvertAll(Tag);
        var scores = _yaml.List(sections, "scores", ScoresMax).ConvertAll(new ScoreReader(_yaml).Score);
        var pipelines = _yaml.List(sections, "stages", PipelinesMax).ConvertAll(new StageReader(_yaml, _zone).Pipeline);
        RefuseRepeats(attributes.Select(a => (a.Name, a.Place)), "attribute");
        RefuseRepeats(tags.Select(t => (t.Name, t.Place)), "tag");
        RefuseRepeats(scores.Select(s => (s.Name, s.Place)), "score");
        RefuseRepeats(pipelines.Select(p => (p.Name, p.Place)), "pipeline");
        var reader = new ActionReader(_yaml, _zone);
        var actions = _yaml.List(sections, "actions", ActionsMax).ConvertAll(reader.Action);
        RefuseRepeats(actions.Select(a => (a.Name, a.Place)), "action");
        var contact = sections.TryGetValue("contact", out var node) ? reader.Contact(node) : ContactSyntax.Unlimited;
        foreach (var when in actions.SelectMany(a => a.Conditions).Concat(contact.Never.Select(n => n.When))) RefuseOtherwise(when);
        return new RuleFileSyntax(_zone, attributes, tags, scores) { Pipelines = pipelines, Actions = actions, Contact = contact };
    }

    private CalendarZone Zone(YamlNode node)
    {
        var id = _yaml.Scalar(node, "a time zone");
        return CalendarZone.TryFind(id) ?? throw _yaml.Error(node, $"unknown time zone '{id}'; write an IANA name such as Asia/Shanghai");
    }

    private AttributeRuleSyntax Attribute(YamlNode node)
    {
        var keys = _yaml.Map(node, "an attribute", ["attribute", "description", "type", "value"], []);
        var name = _yaml.Name(node, keys, "attribute");
        var type = AttributeType.Any;
        if (keys.TryGetValue("type", out var t))
        {
            var word = _yaml.Scalar(t, "a type");
            string[] types = ["text", "number", "boolean", "date"];
            var i = Array.IndexOf(types, word);
            if (i < 0) throw _yaml.Error(t, $"unknown type '{word}'; there are {string.Join(", ", types)}{Suggestion.Of(word, types)}");
            type = (AttributeType)(i + 1);
        }
        var value = keys.TryGetValue("value", out var v)
            ? _yaml.Expression(v, e => ExpressionParser.ParseAttribute(e, _zone))
            : new Located<ValueSyntax>(
                new EdgeValueSyntax(0, true, EventField.TryFind($"properties.{name}")!, ProfileUpdate, Window.Ever),
                _yaml.PlaceOf(node), false);
        if (value.Syntax is EdgeValueSyntax { Window.IsEver: false })
            throw _yaml.Error(v!, "an attribute's first(FIELD, FILTER) or last(FIELD, FILTER) takes no window");
        if (value.Syntax is ArithmeticSyntax)
        {
            if (type is not (AttributeType.Any or AttributeType.Number)) throw _yaml.Error(t!, "what is calculated is a number");
            type = AttributeType.Number;
        }
        return new AttributeRuleSyntax(name, _yaml.PlaceOf(node), type, value);
    }

    private TagSyntax Tag(YamlNode node)
    {
        var keys = _yaml.Map(node, "a tag", TagKeys, LaterTagKeys);
        var name = _yaml.Name(node, keys, "tag");
        var kind = KindOf(node, name, keys);
        var tag = new TagSyntax(
            name, _yaml.PlaceOf(node), _yaml.Text(keys, "description"), keys.TryGetValue("expires", out var e) ? _yaml.Duration(e) : 0,
            kind)
        {
            When = keys.TryGetValue("when", out var w) ? Condition(w) : null,
            Value = keys.TryGetValue("value", out var v) ? _yaml.Expression(v, text => ExpressionParser.ParseValue(text, _zone)) : null,
            Grid = kind == TagKind.Grid ? Grid(keys["grid"]) : null,
            Values = kind switch { TagKind.Group => Group(keys["values"]), TagKind.Set => Members(keys["set"]), _ => [] },
        };
        if (tag.When is not null) RefuseOtherwise(tag.When);
        if (tag.ExpiresMs > 0 && kind is TagKind.Group or TagKind.Set or TagKind.Grid)
            throw _yaml.Error(e!, $"not supported yet: 'expires' on a {kind.ToString().ToLowerInvariant()}; give its conditions a window");
        if (tag.ExpiresMs > 0 && tag.Value?.Syntax is NumberValueSyntax)
            throw _yaml.Error(e!, "not supported yet: 'expires' on a count or sum; use within");
        return tag;
    }

    private TagKind KindOf(YamlNode node, string name, Dictionary<string, YamlNode> keys)
    {
        string[] alone = ["values", "set", "grid", "manual"];
        var found = alone.Where(keys.ContainsKey).ToList();
        var hasRule = keys.ContainsKey("when") || keys.ContainsKey("value");
        if (found.Count > 1 || (found.Count == 1 && hasRule))
            throw _yaml.Error(node, $"'{found[0]}' stands alone, without {(hasRule ? "'when' and 'value'" : $"'{found[^1]}'")}");
        if (found.Count == 0 && !hasRule)
            throw _yaml.Error(node, $"tag '{name}' needs 'when', 'value', 'values', 'set', 'grid' or 'manual'");
        if (found.Count == 0) return keys.ContainsKey("value") ? TagKind.Valued : TagKind.Boolean;
        if (found[0] != "manual") return found[0] switch { "set" => TagKind.Set, "grid" => TagKind.Grid, _ => TagKind.Group };
        var isManual = _yaml.Scalar(keys["manual"], "true") == "true";
        return isManual ? TagKind.Manual : throw _yaml.Error(keys["manual"], "'manual' is true or absent");
    }

    private (string Rows, string Columns) Grid(YamlNode node)
    {
        if (node is not YamlSequenceNode { Children: [var rows, var columns] })
            throw _yaml.Error(node, "a grid is a list of two scores, as in [fit, intent]");
        return (_yaml.Scalar(rows, "a score"), _yaml.Scalar(columns, "a score"));
    }

    private Located<ConditionSyntax> Condition(YamlNode node) =>
        _yaml.Expression(node, text => ExpressionParser.ParseCondition(text, _zone));

    // A member that holds a comma could not be told from two.
    private List<GroupValue> Members(YamlNode node)
    {
        var members = Group(node);
        foreach (var member in members)
        {
            if (member.Value.Contains(',', StringComparison.Ordinal))
                throw member.When.Place.Error($"the member '{member.Value}' has a comma");
            RefuseOtherwise(member.When);
        }
        return members;
    }

    private List<GroupValue> Group(YamlNode node)
    {
        if (node is not YamlMappingNode map || map.Children.Count == 0)
        {
            throw _yaml.Error(node, "expected a map: value, then its condition");
        }
        if (map.Children.Count > GroupValuesMax) throw _yaml.Error(node, $"a group has at most {GroupValuesMax} values");
        List<GroupValue> values = [];
        foreach (var (key, condition) in map.Children)
        {
            var value = _yaml.Scalar(key, "a value");
            if (value.Length == 0 || System.Text.Encoding.UTF8.GetByteCount(value) > GroupValueBytesMax)
            {
                throw _yaml.Error(key, $"a value has 1 to {GroupValueBytesMax} bytes");
            }
            if (values.Count > 0 && values[^1].When.Syntax is OtherwiseSyntax) throw _yaml.Error(key, "'otherwise' comes last");
            var when = Condition(condition);
            if (when.Syntax is not OtherwiseSyntax) RefuseOtherwise(when);
            values.Add(new GroupValue(value, when));
        }
        return values;
    }

    private static void RefuseOtherwise(Located<ConditionSyntax> when)
    {
        if (Mentions(when.Syntax) is { } at)
        {
            throw when.Error(new ExpressionException(at, "'otherwise' is the whole condition of a group's last value"));
        }

        static int? Mentions(ConditionSyntax syntax) => syntax switch
        {
            OtherwiseSyntax o => o.Position,
            NotSyntax n => Mentions(n.Inner),
            JoinSyntax j => j.Parts.Select(Mentions).FirstOrDefault(p => p is not null),
            _ => null,
        };
    }

    private static void RefuseRepeats(IEnumerable<(string Name, Place Place)> rules, string kind)
    {
        HashSet<string> seen = [];
        foreach (var (name, place) in rules)
        {
            if (!seen.Add(name)) throw place.Error($"there is another {kind} '{name}' above");
        }
    }
}
