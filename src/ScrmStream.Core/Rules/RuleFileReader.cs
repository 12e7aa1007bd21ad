using ScrmStream.Profiles;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ScrmStream.Rules;

/// <summary>Reads the YAML of a rule file into syntax. Every key is known or refused.</summary>
internal sealed class RuleFileReader
{
    private const int TagsMax = 256;
    private const int ScoresMax = 64;
    private const int PointsMax = 256;
    private const int GroupValuesMax = 64;
    private const int GroupValueBytesMax = 128;
    private const long PointsAbsoluteMax = 10_000 * Micro.One;

    private static readonly string[] LaterSections = ["actions", "attributes", "stages", "segments", "funnels", "lists"];
    private static readonly string[] LaterTagKeys = ["after", "once_per", "priority", "timer", "sequence"];

    private readonly YamlAccess _yaml;

    private RuleFileReader(YamlAccess yaml) => _yaml = yaml;

    /// <exception cref="RuleFileException">With file, line, column and reason.</exception>
    public static RuleFileSyntax Read(string text, string file)
    {
        var bare = BareExpressions.Quote(text, out var quotedLines);
        var yaml = new YamlAccess(file, quotedLines);
        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(bare));
            if (stream.Documents.Count == 0) return new RuleFileSyntax([], []);
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
        if (root is YamlScalarNode { Value: null or "" }) return new RuleFileSyntax([], []);
        var sections = _yaml.Map(root, "tags, scores", ["tags", "scores"], LaterSections);
        var tags = _yaml.List(sections, "tags", TagsMax).ConvertAll(Tag);
        var scores = _yaml.List(sections, "scores", ScoresMax).ConvertAll(Score);
        RefuseRepeats(tags.Select(t => (t.Name, t.Place)), "tag");
        RefuseRepeats(scores.Select(s => (s.Name, s.Place)), "score");
        return new RuleFileSyntax(tags, scores);
    }

    private TagSyntax Tag(YamlNode node)
    {
        var keys = _yaml.Map(node, "a tag", ["tag", "description", "when", "value", "values", "expires"], LaterTagKeys);
        var name = _yaml.Name(node, keys, "tag");
        var when = keys.TryGetValue("when", out var w) ? _yaml.Expression(w, ExpressionParser.ParseCondition) : null;
        var value = keys.TryGetValue("value", out var v) ? _yaml.Expression(v, ExpressionParser.ParseValue) : null;
        var values = keys.TryGetValue("values", out var group) ? Group(group) : [];
        if (values.Count > 0 && (when ?? (object?)value) is not null)
        {
            throw _yaml.Error(node, "'values' stands alone, without 'when' and 'value'");
        }
        if (values.Count == 0 && (when ?? (object?)value) is null)
        {
            throw _yaml.Error(node, $"tag '{name}' needs 'when', 'value' or 'values'");
        }
        if (when is not null) RefuseOtherwise(when);
        var expiresMs = keys.TryGetValue("expires", out var expires) ? _yaml.Duration(expires) : 0;
        if (expiresMs > 0 && values.Count > 0) throw _yaml.Error(keys["expires"], "not supported yet: 'expires' on a group");
        if (expiresMs > 0 && value?.Syntax is NumberValueSyntax)
        {
            throw _yaml.Error(keys["expires"], "not supported yet: 'expires' on a count or sum; use within");
        }
        return new TagSyntax(name, _yaml.PlaceOf(node), _yaml.Text(keys, "description"), expiresMs, when, value, values);
    }

    private List<GroupValue> Group(YamlNode node)
    {
        if (node is not YamlMappingNode map || map.Children.Count == 0)
        {
            throw _yaml.Error(node, "'values' is a map: value, then its condition");
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
            var when = _yaml.Expression(condition, ExpressionParser.ParseCondition);
            if (when.Syntax is not OtherwiseSyntax) RefuseOtherwise(when);
            values.Add(new GroupValue(value, when));
        }
        return values;
    }

    private ScoreSyntax Score(YamlNode node)
    {
        var keys = _yaml.Map(node, "a score", ["score", "description", "half_life", "points", "grades"], ["max", "min", "ledger"]);
        var name = _yaml.Name(node, keys, "score");
        var halfLifeMs = 0L;
        if (keys.TryGetValue("half_life", out var halfLife))
        {
            halfLifeMs = _yaml.Duration(halfLife);
            if (halfLifeMs < DecayClock.HalfLifeMsMin) throw _yaml.Error(halfLife, "a half-life is at least 1m");
        }
        var points = _yaml.List(keys, "points", PointsMax).ConvertAll(Points);
        if (points.Count == 0) throw _yaml.Error(node, $"score '{name}' needs 'points'");
        var grades = keys.TryGetValue("grades", out var g) ? Grades(g) : [];
        return new ScoreSyntax(name, _yaml.PlaceOf(node), _yaml.Text(keys, "description"), halfLifeMs, points, grades);
    }

    private PointsSyntax Points(YamlNode node)
    {
        var keys = _yaml.Map(node, "an entry of points", ["when", "add", "cap"], ["multiply", "set", "expires"]);
        if (!keys.TryGetValue("when", out var when)) throw _yaml.Error(node, "points need 'when'");
        if (!keys.TryGetValue("add", out var add)) throw _yaml.Error(node, "points need 'add'");
        var filter = _yaml.Expression(when, ExpressionParser.ParseFilter).Syntax;
        var micro = _yaml.Number(add);
        if (micro == 0 || Int128.Abs(micro) > PointsAbsoluteMax) throw _yaml.Error(add, "'add' is a number from -10000 to 10000, not 0");
        var (capMicro, unit) = keys.TryGetValue("cap", out var cap) ? Cap(cap) : default;
        return new PointsSyntax(filter, (long)micro, capMicro, unit, _yaml.PlaceOf(node));
    }

    private (long CapMicro, CalendarUnit Unit) Cap(YamlNode node)
    {
        var words = _yaml.Scalar(node, "a cap").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is not [var number, "per", var period] || !Micro.TryParseExact(number, out var micro))
        {
            throw _yaml.Error(node, "a cap reads '20 per 1d'");
        }
        if (micro <= 0 || micro > 1_000_000_000 * (Int128)Micro.One)
        {
            throw _yaml.Error(node, "a cap lies above 0 and at or below 1000000000 points");
        }
        CalendarUnit? unit = period switch
        {
            "1d" or "day" => CalendarUnit.Day,
            "1w" or "7d" or "week" => CalendarUnit.Week,
            "month" => CalendarUnit.Month,
            _ => null,
        };
        return ((long)micro, unit ?? throw _yaml.Error(
            node,
            $"not supported yet: a cap per {period}; there are per 1d, 1w (from Monday) and month, of the calendar in Asia/Shanghai"));
    }

    private List<Grade> Grades(YamlNode node)
    {
        if (node is not YamlMappingNode map || map.Children.Count is 0 or > 32)
        {
            throw _yaml.Error(node, "'grades' is a map of 1 to 32 entries: grade, then points");
        }
        List<Grade> grades = [];
        foreach (var (key, from) in map.Children)
        {
            var name = _yaml.Scalar(key, "a grade");
            if (name.Length == 0 || System.Text.Encoding.UTF8.GetByteCount(name) > GroupValueBytesMax)
            {
                throw _yaml.Error(key, $"a grade has 1 to {GroupValueBytesMax} bytes");
            }
            var micro = _yaml.Number(from);
            if (Int128.Abs(micro) > 1_000_000_000_000 * (Int128)Micro.One) throw _yaml.Error(from, "a grade's points are out of range");
            if (grades.Exists(g => g.FromMicroPoints == micro)) throw _yaml.Error(key, "two grades start at the same points");
            grades.Add(new Grade(name, (long)micro));
        }
        return [.. grades.OrderByDescending(g => g.FromMicroPoints)];
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
