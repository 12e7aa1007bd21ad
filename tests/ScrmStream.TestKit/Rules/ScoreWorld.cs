using System.Globalization;
using System.Text;

namespace ScrmStream.TestKit.Rules;

/// <summary>
/// Random scores with every construct, what they mean by a slow and obvious model written from docs/rules.md, and a random customer. Times
/// are whole steps, so that turns, periods and events meet.
/// </summary>
public sealed class ScoreWorld
{
    private const long StartMs = 1_760_000_000_000; // 2025-10-09 16:53:20 in Shanghai
    private static readonly long[] StepsMs = [60_000, 3_600_000, SlowRules.DayMs / 2];

    private readonly Random _random;
    private readonly long _stepMs;
    private readonly SlowRules _calendar = new(TimeZoneInfo.FindSystemTimeZoneById("Asia/Shanghai"));

    public ScoreWorld(int seed)
    {
        _random = new Random(seed);
        _stepMs = StepsMs[_random.Next(StepsMs.Length)];
        var yaml = new StringBuilder("scores:\n");
        Scores = [.. Enumerable.Range(0, 3).Select(i => Score($"s{i}", yaml))];
        Yaml = yaml.Append("tags:\n  - { tag: grid, grid: [s0, s1] }\n").ToString();
        Events = [.. Enumerable.Range(0, _random.Next(1, 40)).Select(i => new SlowEvent(
            "abc"[_random.Next(3)].ToString(), StartMs + _random.Next(60) * _stepMs, _random.Next(3) == 0 ? null : $"e{i}", _random.Next(4)))];
    }

    public string Yaml { get; }
    public IReadOnlyList<SlowScore> Scores { get; }
    public IReadOnlyList<SlowEvent> Events { get; }
    public long StepMs => _stepMs;

    private SlowScore Score(string name, StringBuilder yaml)
    {
        yaml.Append($"  - score: {name}\n");
        var (share, turns) = Fading(yaml);
        List<(string Name, decimal Cap, string Unit)> groups = [];
        for (var i = _random.Next(3); i > 0; i--) groups.Add(($"g{i}", Number(1, 60), Unit()));
        List<SlowPoints> points = [.. Enumerable.Range(0, _random.Next(1, 5)).Select(_ => Points(groups))];
        foreach (var group in groups.Where(g => points.TrueForAll(p => p.Group != g.Name)).ToList())
            points.Add(new SlowPoints("a", 3, 0, "", group.Name));
        yaml.Append("    points:\n");
        foreach (var p in points)
            yaml.Append($"      - {{ when: event = \"{p.Event}\", add: {Text(p.Add)}")
                .Append(p.Cap == 0 ? "" : $", cap: {Text(p.Cap)} per {p.Unit}").Append(p.Group is null ? "" : $", group: {p.Group}").Append(" }\n");
        if (groups.Count > 0)
            yaml.Append($"    groups: {{ {string.Join(", ", groups.Select(g => $"{g.Name}: {Text(g.Cap)} per {g.Unit}"))} }}\n");
        decimal? max = _random.Next(3) == 0 ? Number(5, 40) : null;
        if (max is not null) yaml.Append($"    max: {Text(max.Value)}\n");
        var neverNegative = _random.Next(3) == 0;
        if (neverNegative) yaml.Append("    min: 0\n");
        (string, decimal)[] grades = [("A", 20), ("B", Number(6, 16)), ("C", Number(1, 5)), ("D", -2)];
        yaml.Append($"    grades: {{ {string.Join(", ", grades.Select(g => $"{g.Item1}: {Text(g.Item2)}"))} }}\n");
        var hysteresis = _random.Next(2) == 0 ? Number(1, 6) : 0;
        if (hysteresis > 0) yaml.Append($"    hysteresis: {Text(hysteresis)}\n");
        return new SlowScore(name, points, groups.ToDictionary(g => g.Name, g => (g.Cap, g.Unit)), share, turns, PeriodOf)
        {
            Max = max, NeverNegative = neverNegative, Grades = grades, Hysteresis = hysteresis,
        };
    }

    private (Func<long, double> Share, long[] Turns) Fading(StringBuilder yaml)
    {
        var steps = _random.Next(1, 30);
        var ms = steps * _stepMs;
        var text = $"{ms / 60_000}m";
        switch (_random.Next(4))
        {
            case 0:
                yaml.Append($"    half_life: {text}\n");
                return (age => Math.Pow(2, -(double)age / ms), []);
            case 1:
                yaml.Append($"    linear: {text}\n");
                return (age => age >= ms ? 0 : 1 - (double)age / ms, [ms]);
            case 2:
                var later = ms + _random.Next(1, 30) * _stepMs;
                var (first, last) = (Number(1, 4) / 4, _random.Next(2) == 0 ? 0m : 0.25m);
                yaml.Append($"    steps: {{ {text}: {Text(first)}, {later / 60_000}m: {Text(last)} }}\n");
                return (age => age < ms ? 1 : (double)(age < later ? first : last), [ms, later]);
            default:
                return (_ => 1, []);
        }
    }

    private SlowPoints Points(List<(string Name, decimal Cap, string Unit)> groups)
    {
        var add = Number(1, 12) * (_random.Next(3) == 0 ? -1 : 1);
        var group = groups.Count > 0 && _random.Next(2) == 0 ? groups[_random.Next(groups.Count)].Name : null;
        var cap = _random.Next(3) == 0 ? Number(1, 30) : 0;
        // Inside a group only caps of days, or of the group's own period, fit.
        var unit = group is null ? Unit() : _random.Next(2) == 0 ? "1d" : groups.Find(g => g.Name == group).Unit;
        return new SlowPoints("abc"[_random.Next(3)].ToString(), add, cap, unit, group);
    }

    private (int, int) PeriodOf(string unit, long t) => SlowRules.PeriodOf(
        unit switch { "1d" => "day", "1w" => "week", _ => "month" }, _calendar.Today(t));

    private decimal Number(int from, int to) => _random.Next(from * 2, to * 2 + 1) / 2m;

    private string Unit() => _random.Next(3) switch { 0 => "1d", 1 => "1w", _ => "month" };

    private static string Text(decimal n) => n.ToString("0.######", CultureInfo.InvariantCulture);
}

/// <summary>An entry of points: what it adds, and what caps it.</summary>
public sealed record SlowPoints(string Event, decimal Add, decimal Cap, string Unit, string? Group);

/// <summary>One score in plain terms.</summary>
/// <param name="Share">Of an age: what is left of points.</param>
/// <param name="Turns">The ages at which that changes its course.</param>
/// <param name="PeriodOf">The calendar period of a time.</param>
public sealed record SlowScore(
    string Name, IReadOnlyList<SlowPoints> Points, IReadOnlyDictionary<string, (decimal Cap, string Unit)> Groups, Func<long, double> Share,
    long[] Turns, Func<string, long, (int, int)> PeriodOf)
{
    // Half-lives are fixed-point numbers in the engine, so what lies nearer to a threshold says nothing.
    private const double Blur = 1e-4;

    // A grade follows from the values of many moments, most of which were asked for before: they are kept for one list of events.
    private readonly Dictionary<long, double> _values = [];
    private IReadOnlyList<SlowEvent>? _eventsOfValues;

    public decimal? Max { get; init; }
    public bool NeverNegative { get; init; }
    public IReadOnlyList<(string Name, decimal From)> Grades { get; init; } = [];
    public decimal Hysteresis { get; init; }

    /// <summary>The points at a time, of the events up to it; asked again about the same list, it must hold the same events.</summary>
    public double ValueAt(IReadOnlyList<SlowEvent> all, long t)
    {
        if (!ReferenceEquals(all, _eventsOfValues)) _values.Clear();
        _eventsOfValues = all;
        if (_values.TryGetValue(t, out var value)) return value;
        return _values[t] = Sum(all, t);
    }

    private double Sum(IReadOnlyList<SlowEvent> all, long t)
    {
        var known = all.Where(e => e.TimeMs <= t).ToList();
        var total = 0.0;
        foreach (var set in Points.GroupBy(p => p.Group ?? ""))
        {
            // What each entry gives in each of its periods, after its own cap: as earned, and as of now.
            var parts = set.SelectMany(p => known.Where(e => e.Name == p.Event)
                .GroupBy(e => p.Cap == 0 ? (0, (0, 0), e.TimeMs) : (1, PeriodOf(p.Unit, e.TimeMs), 0L)).Select(period =>
                {
                    var (raw, now) = ((double)p.Add * period.Count(), period.Sum(e => (double)p.Add * Share(t - e.TimeMs)));
                    var kept = p.Cap > 0 && Math.Abs(raw) > (double)p.Cap ? (double)p.Cap / Math.Abs(raw) : 1;
                    return (period.First().TimeMs, Raw: raw * kept, Now: now * kept);
                })).ToList();
            if (set.Key.Length == 0) total += parts.Sum(p => p.Now);
            else
            {
                var (cap, unit) = Groups[set.Key];
                total += parts.GroupBy(p => PeriodOf(unit, p.TimeMs)).Sum(period =>
                {
                    var raw = Math.Abs(period.Sum(p => p.Raw));
                    return period.Sum(p => p.Now) * (raw > (double)cap ? (double)cap / raw : 1);
                });
            }
        }
        if (NeverNegative) total = Math.Max(0, total);
        return Max is { } max ? Math.Min((double)max, total) : total;
    }

    /// <summary>The grade at a time; "?" where rounding decides.</summary>
    public string? GradeAt(IReadOnlyList<SlowEvent> all, long t)
    {
        // Forward through every moment at which points can stop rising or falling, and one before it.
        var turns = all.SelectMany(e => Turns.Prepend(0).Select(age => e.TimeMs + age)).SelectMany(m => new[] { m - 1, m })
            .Where(m => m <= t).Append(t).Distinct().Order();
        var held = new bool?[Grades.Count];
        Array.Fill(held, false);
        for (var i = 0; i < held.Length; i++) held[i] = Grades[i].From <= 0;
        foreach (var moment in turns)
        {
            var value = ValueAt(all, moment);
            for (var i = 0; i < held.Length; i++)
            {
                var (gained, lost) = ((double)Grades[i].From, (double)(Grades[i].From - Hysteresis));
                if (IsBlurred(value, gained) || IsBlurred(value, lost)) held[i] = null;
                else if (value >= gained) held[i] = true;
                else if (value < lost) held[i] = false;
            }
        }
        for (var i = 0; i < held.Length; i++)
        {
            if (held[i] is null) return "?";
            if (held[i] == true) return Grades[i].Name;
        }
        return null;
    }

    // What is not faded at all, or in steps, is exact, and so is nothing.
    private static bool IsBlurred(double value, double threshold) => value != threshold && Math.Abs(value - threshold) < Blur;
}
