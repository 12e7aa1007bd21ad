using System.Text;

namespace ScrmStream.TestKit.Rules;

/// <summary>
/// A random rule file, what it means by the slow model, and a random customer. Times and durations are whole steps of one length, so that
/// the edges of windows are met.
/// </summary>
public sealed class RuleWorld
{
    private const long StartMs = 1_760_000_000_000; // 2025-10-09, a Thursday
    private static readonly (string Unit, long Ms)[] StepUnits = [("m", 60_000), ("h", 3_600_000), ("d", SlowRules.DayMs)];
    private static readonly string[] Zones = ["Asia/Shanghai", "Europe/Berlin", "America/New_York"];
    private static readonly string[] Comparisons = ["=", "!=", "<", "<=", ">", ">="];

    private readonly Random _random;
    private readonly SlowRules _slow;
    private readonly int _span;
    private readonly (string Unit, long Ms) _step;
    private readonly List<(string Name, Func<IReadOnlyList<SlowEvent>, long, string?> Value)> _tags = [];
    private readonly List<(string Name, Func<IReadOnlyList<SlowEvent>, long, string?> Value)> _onGrid = [];
    private readonly SlowNumber _calculated;

    public RuleWorld(int seed)
    {
        _random = new Random(seed);
        _step = StepUnits[_random.Next(StepUnits.Length)];
        var zone = Zones[_random.Next(Zones.Length)];
        Zone = TimeZoneInfo.FindSystemTimeZoneById(zone);
        _slow = new SlowRules(Zone);
        var yaml = new StringBuilder($"time_zone: {zone}\nattributes:\n  - {{ attribute: birthday, type: date }}\n")
            .Append("  - { attribute: size, type: number }\n");
        _calculated = Number(2);
        yaml.Append($"  - {{ attribute: calculated, value: '{_calculated.Text}' }}\ntags:\n");
        for (var i = _random.Next(6, 14); i > 0; i--)
        {
            var (start, tags) = (yaml.Length, _tags.Count);
            AddTag($"t{i}", yaml);
            // Its moments lie between whole steps.
            if (!yaml.ToString(start, yaml.Length - start).Contains("mean_gap", StringComparison.Ordinal)) _onGrid.AddRange(_tags[tags..]);
        }
        Yaml = yaml.ToString();
        var spans = new[] { 6, 25, 70 };
        _span = spans[_random.Next(spans.Length)];
        Events = AnotherCustomer();
    }

    /// <summary>The rule file.</summary>
    public string Yaml { get; }

    /// <summary>The customer's events, in no order.</summary>
    public IReadOnlyList<SlowEvent> Events { get; }

    /// <summary>The events of another random customer, in no order.</summary>
    public IReadOnlyList<SlowEvent> AnotherCustomer() => [.. Enumerable.Range(0, _random.Next(1, 36)).Select(i => Event(i, _span))];

    /// <summary>The step of all times and durations, milliseconds.</summary>
    public long StepMs => _step.Ms;

    /// <summary>What the rules say of some events at a time no earlier than any of them: the tags that hold, with their values.</summary>
    public Dictionary<string, string> TagsAt(IReadOnlyList<SlowEvent> events, long t) =>
        _tags.Select(tag => (tag.Name, Value: tag.Value(events, t))).Where(tag => tag.Value is not null)
            .ToDictionary(tag => tag.Name, tag => tag.Value!);

    /// <summary>A random condition of an action: of events, or of a tag. It changes at whole steps, one millisecond later, and at midnights.</summary>
    public SlowCondition ActionCondition()
    {
        while (true)
        {
            if (_onGrid.Count > 0 && _random.Next(2) == 0)
            {
                var (name, value) = _onGrid[_random.Next(_onGrid.Count)];
                return new SlowCondition($"has({name})", (all, t) => value(all, t) is not null);
            }
            if (Condition(1) is var condition && !condition.Text.Contains("mean_gap", StringComparison.Ordinal)) return condition;
        }
    }

    /// <summary>A random filter of events.</summary>
    public SlowFilter AnyFilter() => Filter();

    /// <summary>A random duration, and its milliseconds.</summary>
    public string AnyDuration(out long ms) => Duration(out ms);

    /// <summary>The zone of days and clocks.</summary>
    public TimeZoneInfo Zone { get; }

    private void AddTag(string name, StringBuilder yaml)
    {
        switch (_random.Next(9))
        {
            case 0:
                var (members, first) = (new[] { ("x", Condition(1)), ("y", Condition(1)), ("z", Condition(0)) }, _random.Next(2) == 0);
                yaml.Append($"  - tag: {name}\n    {(first ? "values" : "set")}:\n");
                foreach (var (value, when) in members) yaml.Append($"      {value}: '{when.Text}'\n");
                _tags.Add((name, (all, t) => members.Where(m => m.Item2.Holds(all, t)).Select(m => m.Item1).ToList() is { Count: > 0 } held
                    ? first ? held[0] : string.Join(',', held) : null));
                break;
            case 1:
                AddValue(name, yaml);
                break;
            case 2 when _tags.All(t => t.Name != "hand"):
                yaml.Append($"  - {{ tag: hand, manual: true, expires: {Duration(out var lasts)} }}\n");
                _tags.Add(("hand", (all, t) => SlowRules.Manual(all, "hand", lasts, t)));
                break;
            case 3 or 4 when Expirable() is { } condition:
                yaml.Append($"  - {{ tag: {name}, when: '{condition.Text}', expires: {Duration(out var expiresMs)} }}\n");
                var holds = SlowRules.Expiring(condition, expiresMs);
                _tags.Add((name, (all, t) => holds(all, t) ? "1" : null));
                break;
            default:
                var plain = Condition(2);
                yaml.Append($"  - {{ tag: {name}, when: '{plain.Text}' }}\n");
                _tags.Add((name, (all, t) => plain.Holds(all, t) ? "1" : null));
                break;
        }
    }

    private void AddValue(string name, StringBuilder yaml)
    {
        var (filter, window) = (Filter(), Window());
        var kind = Pick("count", "sum", "min", "max", "average", "distinct", "days", "last");
        if (kind == "days" && window.IsEver) window = _slow.Calendar("month");
        var field = kind is "distinct" or "last" ? "properties.p" : Pick("amount_fen", "properties.n");
        var argument = kind is "count" or "days" ? "" : $"{field}, ";
        yaml.Append($"  - {{ tag: {name}, value: '{kind}({argument}{filter.Text}{window.Text})' }}\n");
        _tags.Add((name, (all, t) => _slow.Value(kind, field, filter, window, all, t)));
    }

    private SlowCondition? Expirable()
    {
        for (var tries = 0; tries < 20; tries++)
            if (Condition(1) is { Filters: not null } condition) return condition;
        return null;
    }

    private SlowCondition Condition(int depth)
    {
        if (depth > 0 && _random.Next(3) == 0)
        {
            var left = Condition(depth - 1);
            return _random.Next(3) == 0 ? SlowRules.Not(left) : SlowRules.Join(_random.Next(2) == 0, left, Condition(depth - 1));
        }
        var (f, w, op, n) = (Filter(), Window(), Pick(Comparisons), _random.Next(0, 5));
        switch (_random.Next(16))
        {
            case 0 or 1: return SlowRules.Count(f, w, op, n);
            case 2: return SlowRules.Seen(f, w);
            case 3: return SlowRules.Sum(Pick("amount_fen", "properties.n"), f, w, op, _random.Next(-4, 60) / 4m);
            case 4: return SlowRules.Measure(Pick("min", "max", "average"), Pick("amount_fen", "properties.n"), f, w, op, _random.Next(-4, 40) / 4m);
            case 5: return SlowRules.Distinct("p", f, w, op, n);
            case 6: return _slow.Days(f, w.IsEver ? _slow.Calendar("week") : w, op, n);
            case 7: return _slow.DaysInRow(f, op, n);
            case 8: return SlowRules.SeenWithin(_random.Next(2) == 0, f, w.IsEver ? Sliding() : w);
            case 9: return SlowRules.TimeSince(_random.Next(2) == 0, f, Pick("<", "<=", ">", ">="), Duration(out var ms), ms);
            case 10: return SlowRules.OwnInterval(f, Pick("<", "<=", ">", ">="), _random.Next(1, 12) / 4m);
            case 11 or 12: return Sequence(f, w);
            case 13: return SlowRules.Last("p", f, w, Pick("x", "y"));
            case 14 when _random.Next(2) == 0: return _calculated.Compares("calculated", op, _random.Next(-8, 30) / 4m);
            case 14: return SlowRules.Attribute("size", op, _random.Next(0, 4));
        }
        var measure = Pick("days_until", "days_until_anniversary", "age_days", "age_months", "age_years");
        var number = measure switch { "age_months" => _random.Next(-2, 30), "age_years" => _random.Next(-1, 4), "days_until_anniversary" => _random.Next(0, 368), _ => _random.Next(-40, 40) };
        return _slow.Date(measure, "birthday", op, number);
    }

    private SlowCondition Sequence(SlowFilter first, SlowWindow window)
    {
        var absent = _random.Next(2) == 0;
        var count = _random.Next(1, 3);
        var filters = Enumerable.Range(0, count).Select(_ => Filter()).Prepend(first).ToArray();
        var ms = new long[count];
        var durations = Enumerable.Range(0, count).Select(i => Duration(out ms[i])).ToArray();
        // A window no longer than the absence is refused; the file says so.
        if (absent && !window.IsEver && window.Text.Contains(": this", StringComparison.Ordinal) is false) window = SlowRules.Sliding("400d", 400 * SlowRules.DayMs);
        return SlowRules.Sequence(filters, window, durations, ms, absent, _random.Next(2) == 0 ? "p" : null);
    }

    private SlowNumber Number(int depth)
    {
        if (depth == 0 || _random.Next(4) == 0) return Leaf();
        var number = SlowNumber.Operation("+-*/"[_random.Next(4)], Number(depth - 1), Number(depth - 1));
        return _random.Next(3) == 0 ? SlowNumber.Or(number, _random.Next(-4, 9) / 4m) : number;
    }

    private SlowNumber Leaf()
    {
        var (f, w) = (Filter(), Window());
        switch (_random.Next(12))
        {
            case 0: return SlowNumber.Constant(_random.Next(-9, 30) / 4m);
            // Seldom, since it changes at every midnight.
            case 1 when _step.Ms == SlowRules.DayMs: return SlowNumber.Operation('-', SlowNumber.Today(_slow), SlowNumber.Day(_slow, true, f));
            case < 4: return SlowNumber.Operation('-', SlowNumber.Day(_slow, false, f), SlowNumber.Day(_slow, _random.Next(2) == 0, Filter()));
            case 4: return new SlowNumber("(attribute.size or 2)", (all, _) => SlowRules.AttributeOf(all, "size")?.Number("properties.size") ?? 2);
        }
        var kind = Pick("count", "sum", "min", "max", "average", "distinct", "days");
        var field = kind is "distinct" ? "properties.p" : Pick("amount_fen", "properties.n");
        var argument = kind is "count" or "days" ? "" : $"{field}, ";
        return new SlowNumber($"{kind}({argument}{f.Text}{w.Text})", (all, t) => _slow.Value(kind, field, f, w, all, t) is { } text
            ? decimal.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : null);
    }

    private SlowFilter Filter() => _random.Next(6) switch
    {
        0 => new SlowFilter("any", _ => true),
        1 => new SlowFilter("event in (\"a\", \"b\")", e => e.Name is "a" or "b"),
        2 => new SlowFilter("event = \"a\" and properties.p = \"x\"", e => e.Name == "a" && e.Text("p") == "x"),
        3 => new SlowFilter("not event = \"c\" and properties.p exists", e => e.Name != "c" && e.Text("p") is not null),
        var i => Named("abc"[(i + _random.Next(3)) % 3].ToString()),
    };

    private static SlowFilter Named(string name) => new($"event = \"{name}\"", e => e.Name == name);

    private SlowWindow Window() => _random.Next(5) switch
    {
        0 => SlowRules.Ever,
        1 => _slow.Calendar(Pick("day", "week", "month")),
        _ => Sliding(),
    };

    private SlowWindow Sliding() => SlowRules.Sliding(Duration(out var ms), ms);

    private string Duration(out long ms)
    {
        var steps = _random.Next(1, 13);
        ms = steps * _step.Ms;
        return $"{steps}{_step.Unit}";
    }

    private SlowEvent Event(int i, int span)
    {
        Dictionary<string, object> properties = [];
        var name = _random.Next(9) switch { 0 => "profile_update", 1 => Pick("tag_set", "tag_unset"), var n => "abc"[n % 3].ToString() };
        if (_random.Next(3) > 0) properties.Add("p", Pick("x", "y", "z"));
        if (_random.Next(2) == 0) properties.Add("n", _random.Next(2) == 0 ? _random.Next(-3, 9) / 4.0 : _random.NextInt64(-2, 8));
        if (name == "profile_update" && _random.Next(2) == 0) properties.Add("size", _random.NextInt64(0, 4));
        if (name == "profile_update" && _random.Next(3) > 0) properties.Add("birthday", Pick("2024-02-29", "2025-10-31", "2024-12-01", "2026-01-15", "2025-09-10", "no date"));
        if (name.StartsWith("tag", StringComparison.Ordinal))
        {
            properties.Add("tag", Pick("hand", "hand", "foot"));
            if (_random.Next(6) > 0) properties.Add("author", Pick("li", "wang"));
            if (_random.Next(2) == 0) properties.Add("value", Pick("high", "low"));
        }
        return new SlowEvent(name, StartMs + _random.Next(span) * _step.Ms, _random.Next(4) == 0 ? null : $"e{i}", _random.Next(4))
        {
            AmountFen = _random.Next(3) == 0 ? _random.Next(0, 12) : null, Properties = properties,
        };
    }

    private string Pick(params string[] words) => words[_random.Next(words.Length)];
}
