using ScrmStream.Profiles;
using YamlDotNet.RepresentationModel;

namespace ScrmStream.Rules;

/// <summary>Reads the scores of a rule file into syntax.</summary>
internal sealed class ScoreReader(YamlAccess yaml)
{
    private const int PointsMax = 256;
    private const int StepsMax = 16;
    private const int GroupsMax = 32;
    private const int NameCharactersMax = 64;
    private const int GradeBytesMax = 128;
    private const long PointsAbsoluteMax = 10_000 * Micro.One;
    private const long GreatestPoints = 1_000_000_000;

    private static readonly string[] Keys =
        ["score", "description", "half_life", "linear", "steps", "max", "min", "points", "groups", "grades", "hysteresis"];
    private static readonly string[] Fadings = ["half_life", "linear", "steps"];

    public ScoreSyntax Score(YamlNode node)
    {
        var keys = yaml.Map(node, "a score", Keys, []);
        var name = yaml.Name(node, keys, "score");
        var points = yaml.List(keys, "points", PointsMax).ConvertAll(Points);
        if (points.Count == 0) throw yaml.Error(node, $"score '{name}' needs 'points'");
        var groups = keys.TryGetValue("groups", out var g) ? Groups(g) : [];
        foreach (var entry in points) CheckGroup(entry, groups);
        if (groups.Find(group => points.TrueForAll(p => p.Group != group.Name)) is { Name: { } unused })
            throw yaml.Error(g!, $"no entry of points has the group '{unused}'");
        var grades = keys.TryGetValue("grades", out var list) ? Grades(list) : [];
        var fadings = Fadings.Where(keys.ContainsKey).ToList();
        if (fadings.Count > 1) throw yaml.Error(keys[fadings[1]], $"a score fades in one way; it has '{fadings[0]}' already");
        return new ScoreSyntax(name, yaml.PlaceOf(node), yaml.Text(keys, "description"), points, groups, grades)
        {
            HalfLifeMs = FadingMs(keys, "half_life", "a half-life"),
            LinearMs = FadingMs(keys, "linear", "the time of fading"),
            Steps = keys.TryGetValue("steps", out var steps) ? Steps(steps) : [],
            MaxMicro = keys.TryGetValue("max", out var max) ? PositivePoints(max, "'max'") : 0,
            IsNeverNegative = keys.TryGetValue("min", out var min) && IsZero(min),
            HysteresisMicro = keys.TryGetValue("hysteresis", out var h) ? Hysteresis(h, grades) : 0,
        };
    }

    private long FadingMs(Dictionary<string, YamlNode> keys, string key, string what)
    {
        if (!keys.TryGetValue(key, out var node)) return 0;
        var ms = yaml.Duration(node);
        return ms >= DecayClock.HalfLifeMsMin ? ms : throw yaml.Error(node, $"{what} is at least 1m");
    }

    private List<FadingStep> Steps(YamlNode node)
    {
        if (node is not YamlMappingNode map || map.Children.Count is 0 or > StepsMax)
            throw yaml.Error(node, $"'steps' is a map of 1 to {StepsMax} entries: age, then what points are worth from then on");
        List<FadingStep> steps = [];
        foreach (var (age, factor) in map.Children)
        {
            var micro = yaml.Number(factor);
            if (micro < 0 || micro > Micro.One) throw yaml.Error(factor, "a step's worth lies from 0 to 1");
            var step = new FadingStep(yaml.Duration(age), (long)micro);
            if (steps.Count > 0 && step.AgeMs <= steps[^1].AgeMs) throw yaml.Error(age, "steps come in order of age");
            steps.Add(step);
        }
        return steps;
    }

    private List<GroupRule> Groups(YamlNode node)
    {
        if (node is not YamlMappingNode map || map.Children.Count is 0 or > GroupsMax)
            throw yaml.Error(node, $"'groups' is a map of 1 to {GroupsMax} entries: group, then its cap, as in browsing: 40 per 1w");
        List<GroupRule> groups = [];
        foreach (var (key, cap) in map.Children)
        {
            var name = yaml.Scalar(key, "a group");
            if (name.Length is 0 or > NameCharactersMax) throw yaml.Error(key, $"a group's name has 1 to {NameCharactersMax} characters");
            var (micro, unit) = Cap(cap);
            groups.Add(new GroupRule(name, micro, unit));
        }
        return groups;
    }

    // A cap inside a cap has to count in periods that lie inside the other's: days lie in weeks and months, weeks not in months.
    private static void CheckGroup(PointsSyntax points, List<GroupRule> groups)
    {
        if (points.Group.Length == 0) return;
        var i = groups.FindIndex(g => g.Name == points.Group);
        if (i < 0)
        {
            var suggestion = Suggestion.Of(points.Group, groups.Select(g => g.Name));
            throw points.Place.Error($"there is no group '{points.Group}' under 'groups'{suggestion}");
        }
        if (points.CapMicro > 0 && points.Unit != groups[i].Unit && points.Unit != CalendarUnit.Day)
            throw points.Place.Error($"a cap per {points.Unit} does not fit into a group's cap per {groups[i].Unit}; a cap per 1d does");
    }

    private long PositivePoints(YamlNode node, string what)
    {
        var micro = yaml.Number(node);
        return micro > 0 && micro <= GreatestPoints * (Int128)Micro.One
            ? (long)micro : throw yaml.Error(node, $"{what} lies above 0 and at or below {GreatestPoints} points");
    }

    private bool IsZero(YamlNode node) =>
        yaml.Number(node) == 0 ? true : throw yaml.Error(node, "'min' is 0 or absent");

    private long Hysteresis(YamlNode node, List<Grade> grades) =>
        grades.Count > 0 ? PositivePoints(node, "'hysteresis'") : throw yaml.Error(node, "'hysteresis' goes with 'grades'");

    private PointsSyntax Points(YamlNode node)
    {
        var keys = yaml.Map(node, "an entry of points", ["when", "add", "cap", "group"], ["multiply", "set", "expires"]);
        if (!keys.TryGetValue("when", out var when)) throw yaml.Error(node, "points need 'when'");
        if (!keys.TryGetValue("add", out var add)) throw yaml.Error(node, "points need 'add'");
        var filter = yaml.Expression(when, ExpressionParser.ParseFilter).Syntax;
        var micro = yaml.Number(add);
        if (micro == 0 || Int128.Abs(micro) > PointsAbsoluteMax) throw yaml.Error(add, "'add' is a number from -10000 to 10000, not 0");
        var (capMicro, unit) = keys.TryGetValue("cap", out var cap) ? Cap(cap) : default;
        return new PointsSyntax(filter, (long)micro, capMicro, unit, yaml.Text(keys, "group"), yaml.PlaceOf(node));
    }

    private (long CapMicro, CalendarUnit Unit) Cap(YamlNode node)
    {
        var words = yaml.Scalar(node, "a cap").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is not [var number, "per", var period] || !Micro.TryParseExact(number, out var micro))
        {
            throw yaml.Error(node, "a cap reads '20 per 1d'");
        }
        if (micro <= 0 || micro > GreatestPoints * (Int128)Micro.One)
        {
            throw yaml.Error(node, "a cap lies above 0 and at or below 1000000000 points");
        }
        CalendarUnit? unit = period switch
        {
            "1d" or "day" => CalendarUnit.Day,
            "1w" or "7d" or "week" => CalendarUnit.Week,
            "month" => CalendarUnit.Month,
            _ => null,
        };
        return ((long)micro, unit ?? throw yaml.Error(
            node,
            $"not supported yet: a cap per {period}; there are per 1d, 1w (from Monday) and month, of the calendar of the file"));
    }

    private List<Grade> Grades(YamlNode node)
    {
        if (node is not YamlMappingNode map || map.Children.Count is 0 or > 32)
        {
            throw yaml.Error(node, "'grades' is a map of 1 to 32 entries: grade, then points");
        }
        List<Grade> grades = [];
        foreach (var (key, from) in map.Children)
        {
            var name = yaml.Scalar(key, "a grade");
            if (name.Length == 0 || System.Text.Encoding.UTF8.GetByteCount(name) > GradeBytesMax)
            {
                throw yaml.Error(key, $"a grade has 1 to {GradeBytesMax} bytes");
            }
            var micro = yaml.Number(from);
            if (Int128.Abs(micro) > 1_000_000_000_000 * (Int128)Micro.One) throw yaml.Error(from, "a grade's points are out of range");
            if (grades.Exists(g => g.FromMicroPoints == micro)) throw yaml.Error(key, "two grades start at the same points");
            grades.Add(new Grade(name, (long)micro));
        }
        return [.. grades.OrderByDescending(g => g.FromMicroPoints)];
    }
}
