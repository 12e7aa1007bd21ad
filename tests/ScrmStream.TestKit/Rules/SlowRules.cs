using System.Globalization;

namespace ScrmStream.TestKit.Rules;

/// <summary>One event of a customer in plain terms. <see cref="Anchor"/> says which identifier it is attributed to.</summary>
public sealed record SlowEvent(string Name, long TimeMs, string? EventId, int Anchor)
{
    public long? AmountFen { get; init; }
    public IReadOnlyDictionary<string, object> Properties { get; init; } = new Dictionary<string, object>();

    public string? Text(string property) =>
        Properties.TryGetValue(property, out var value) ? Convert.ToString(value, CultureInfo.InvariantCulture) : null;

    public decimal? Number(string field) =>
        field == "amount_fen" ? AmountFen : Properties.GetValueOrDefault(field["properties.".Length..]) switch
        {
            long n => n,
            double n => (decimal)n,
            _ => null,
        };
}

/// <summary>A filter as it stands in a rule file, and what it means.</summary>
public sealed record SlowFilter(string Text, Func<SlowEvent, bool> Passes);

/// <summary>A window as it stands behind a filter, and whether an event of a time is inside at another.</summary>
public sealed record SlowWindow(string Text, Func<long, long, bool> Inside, bool IsEver = false);

/// <summary>
/// A condition as it stands in a rule file, and what it means: of the events up to a time, does it hold then?
/// </summary>
/// <param name="Filters">The filters of its seen, count and sum; null where it cannot stand in a tag that expires.</param>
public sealed record SlowCondition(
    string Text, Func<IReadOnlyList<SlowEvent>, long, bool> Holds, IReadOnlyList<SlowFilter>? Filters = null);

/// <summary>
/// The rules of docs/rules.md once more, slow and obvious: every answer looks at the plain list of a customer's events. Written from that
/// document, without a line of the engine; what both say must be the same at every moment.
/// </summary>
public sealed class SlowRules(TimeZoneInfo zone)
{
    public const long DayMs = 86_400_000;

    public static SlowWindow Ever { get; } = new("", (_, _) => true, true);

    public static SlowWindow Sliding(string duration, long ms) => new($", within: {duration}", (e, t) => e > t - ms);

    public SlowWindow Calendar(string unit) => new($", within: this {unit}", (e, t) => PeriodOf(unit, Today(e)) == PeriodOf(unit, Today(t)));

    public DateOnly Today(long t) =>
        DateOnly.FromDateTime(TimeZoneInfo.ConvertTimeFromUtc(DateTimeOffset.FromUnixTimeMilliseconds(t).UtcDateTime, zone));

    public static SlowCondition Count(SlowFilter f, SlowWindow w, string op, int n) => new(
        $"count({f.Text}{w.Text}) {op} {n}", (all, t) => Compare(op, Inside(all, f, w, t).Count(), n), [f]);

    public static SlowCondition Seen(SlowFilter f, SlowWindow w) => new(
        $"seen({f.Text}{w.Text})", (all, t) => Inside(all, f, w, t).Any(), [f]);

    public static SlowCondition Sum(string field, SlowFilter f, SlowWindow w, string op, decimal n) => new(
        $"sum({field}, {f.Text}{w.Text}) {op} {Text(n)}", (all, t) => Compare(op, Numbers(all, field, f, w, t).Sum(), n),
        [new SlowFilter(f.Text, e => f.Passes(e) && e.Number(field) is not null)]);

    /// <summary>min, max and average: of no number they compare with nothing.</summary>
    public static SlowCondition Measure(string kind, string field, SlowFilter f, SlowWindow w, string op, decimal n) => new(
        $"{kind}({field}, {f.Text}{w.Text}) {op} {Text(n)}", (all, t) =>
        {
            var numbers = Numbers(all, field, f, w, t).ToList();
            return numbers.Count > 0 && kind switch
            {
                "min" => Compare(op, numbers.Min(), n),
                "max" => Compare(op, numbers.Max(), n),
                _ => Compare(op, numbers.Sum(), n * numbers.Count),
            };
        });

    public static SlowCondition Distinct(string property, SlowFilter f, SlowWindow w, string op, int n) => new(
        $"distinct(properties.{property}, {f.Text}{w.Text}) {op} {n}", (all, t) => Compare(op, Values(all, property, f, w, t), n));

    public SlowCondition Days(SlowFilter f, SlowWindow w, string op, int n) => new(
        $"days({f.Text}{w.Text}) {op} {n}", (all, t) => Compare(op, DaysOf(all, f, w, t).Count, n));

    public SlowCondition DaysInRow(SlowFilter f, string op, int n) => new($"days_in_row({f.Text}) {op} {n}", (all, t) =>
    {
        var days = DaysOf(all, f, Ever, t);
        var day = days.Contains(Today(t)) ? Today(t) : Today(t).AddDays(-1);
        var row = 0;
        for (; days.Contains(day); day = day.AddDays(-1)) row++;
        return Compare(op, row, n);
    });

    public static SlowCondition SeenWithin(bool first, SlowFilter f, SlowWindow w) => new(
        $"{(first ? "first" : "last")}_seen({f.Text}) within{w.Text[", within".Length..]}", (all, t) =>
        {
            var times = all.Where(f.Passes).Select(e => e.TimeMs).ToList();
            return times.Count > 0 && w.Inside(first ? times.Min() : times.Max(), t);
        });

    public static SlowCondition TimeSince(bool first, SlowFilter f, string op, string duration, long ms) => new(
        $"time_since{(first ? "_first" : "")}({f.Text}) {op} {duration}", (all, t) =>
        {
            var times = all.Where(f.Passes).Select(e => e.TimeMs).ToList();
            return times.Count > 0 && Compare(op, t - (first ? times.Min() : times.Max()), ms);
        });

    public static SlowCondition OwnInterval(SlowFilter f, string op, decimal factor) => new(
        $"time_since({f.Text}) {op} {Text(factor)} * mean_gap", (all, t) =>
        {
            var times = all.Where(f.Passes).Select(e => e.TimeMs).ToList();
            return times.Count >= 2 && Compare(op, (decimal)(t - times.Max()) * (times.Count - 1), factor * (times.Max() - times.Min()));
        });

    /// <summary>A, then B, and perhaps C, each within its time of the one before; or the last of them not.</summary>
    public static SlowCondition Sequence(SlowFilter[] steps, SlowWindow w, string[] durations, long[] ms, bool absent, string? same)
    {
        var tail = same is null ? "" : $", same: properties.{same}";
        var text = $"seen({steps[0].Text}{w.Text})" + string.Concat(steps.Skip(1).Select((s, i) =>
            $" and {(absent && i + 2 == steps.Length ? "not " : "")}seen({s.Text}, after: it, within: {durations[i]}{tail})"));
        return new SlowCondition(text, (all, t) => all.Any(e => steps[0].Passes(e) && w.Inside(e.TimeMs, t) && Follows(all, e, 1, t)));

        bool Follows(IReadOnlyList<SlowEvent> all, SlowEvent it, int step, long t)
        {
            if (same is not null && it.Text(same) is null) return false;
            if (step == steps.Length) return true;
            var next = all.Where(e => steps[step].Passes(e) && e.TimeMs > it.TimeMs && e.TimeMs <= it.TimeMs + ms[step - 1]
                && (same is null || e.Text(same) == it.Text(same)));
            if (absent && step == steps.Length - 1) return it.TimeMs + ms[step - 1] <= t && !next.Any();
            return next.Any(e => Follows(all, e, step + 1, t));
        }
    }

    public static SlowCondition Last(string property, SlowFilter f, SlowWindow w, string value) => new(
        $"last(properties.{property}, {f.Text}{w.Text}) = \"{value}\"",
        (all, t) => LastOf(all, property, f) is { } e && w.Inside(e.TimeMs, t) && e.Text(property) == value);

    public static SlowCondition Attribute(string name, string op, decimal n) => new(
        $"attribute.{name} {op} {Text(n)}", (all, _) => AttributeOf(all, name)?.Number($"properties.{name}") is { } x && Compare(op, x, n));

    public SlowCondition Date(string measure, string name, string op, int n) => new($"{measure}(attribute.{name}) {op} {n}", (all, t) =>
    {
        var text = AttributeOf(all, name)?.Text(name);
        if (!DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)) return false;
        var today = Today(t);
        return Compare(op, measure switch
        {
            "days_until" => date.DayNumber - today.DayNumber,
            "age_days" => today.DayNumber - date.DayNumber,
            "days_until_anniversary" => Enumerable.Range(0, 400).First(d => IsAnniversary(date, today.AddDays(d))),
            "age_months" => MonthsOf(date, today),
            _ => (int)Math.Floor(MonthsOf(date, today) / 12.0),
        }, n);
    });

    public static SlowCondition Not(SlowCondition a) => new($"not ({a.Text})", (all, t) => !a.Holds(all, t), a.Filters);

    public static SlowCondition Join(bool and, SlowCondition a, SlowCondition b) => new(
        $"(({a.Text}) {(and ? "and" : "or")} ({b.Text}))", (all, t) => and ? a.Holds(all, t) && b.Holds(all, t) : a.Holds(all, t) || b.Holds(all, t),
        a.Filters is null || b.Filters is null ? null : [.. a.Filters, .. b.Filters]);

    /// <summary>Holds until so long after the latest event of its filters at whose time it held.</summary>
    public static Func<IReadOnlyList<SlowEvent>, long, bool> Expiring(SlowCondition c, long expiresMs) => (all, t) => all.Any(e =>
        e.TimeMs > t - expiresMs && c.Filters!.Any(f => f.Passes(e)) && c.Holds([.. all.Where(x => x.TimeMs <= e.TimeMs)], e.TimeMs));

    /// <summary>What a person set last, until so long after; null when removed, never set or lapsed.</summary>
    public static string? Manual(IReadOnlyList<SlowEvent> all, string tag, long expiresMs, long t)
    {
        var last = all.Where(e => e.Name is "tag_set" or "tag_unset" && e.Text("tag") == tag && !string.IsNullOrEmpty(e.Text("author")))
            .OrderBy(e => e.TimeMs).ThenBy(e => e.EventId ?? "", StringComparer.Ordinal).ThenBy(e => e.Name == "tag_set")
            .ThenBy(e => e.Text("author")!.Length).ThenBy(e => e.Text("author"), StringComparer.Ordinal)
            .ThenBy(e => e.Text("value") ?? "1", StringComparer.Ordinal).LastOrDefault();
        return last?.Name == "tag_set" && t < last.TimeMs + expiresMs ? last.Text("value") ?? "1" : null;
    }

    /// <summary>A number as the value of a tag; null while no event counts.</summary>
    public string? Value(string kind, string field, SlowFilter f, SlowWindow w, IReadOnlyList<SlowEvent> all, long t)
    {
        if (kind == "last") return LastOf(all, field["properties.".Length..], f) is { } e && w.Inside(e.TimeMs, t) ? e.Text(field["properties.".Length..]) : null;
        var numbers = Numbers(all, field, f, w, t).ToList();
        var count = kind switch
        {
            "count" => Inside(all, f, w, t).Count(),
            "distinct" => Values(all, field["properties.".Length..], f, w, t),
            "days" => DaysOf(all, f, w, t).Count,
            _ => numbers.Count,
        };
        if (count == 0) return null;
        return Text(kind switch
        {
            "sum" => numbers.Sum(),
            "min" => numbers.Min(),
            "max" => numbers.Max(),
            "average" => Math.Round(numbers.Sum() / numbers.Count, 6, MidpointRounding.ToEven),
            _ => count,
        });
    }

    private static IEnumerable<SlowEvent> Inside(IReadOnlyList<SlowEvent> all, SlowFilter f, SlowWindow w, long t) =>
        all.Where(e => f.Passes(e) && w.Inside(e.TimeMs, t));

    private static IEnumerable<decimal> Numbers(IReadOnlyList<SlowEvent> all, string field, SlowFilter f, SlowWindow w, long t) =>
        Inside(all, f, w, t).Select(e => e.Number(field)).OfType<decimal>();

    private static int Values(IReadOnlyList<SlowEvent> all, string property, SlowFilter f, SlowWindow w, long t) =>
        Inside(all, f, w, t).Select(e => e.Text(property)).OfType<string>().Distinct().Count();

    private HashSet<DateOnly> DaysOf(IReadOnlyList<SlowEvent> all, SlowFilter f, SlowWindow w, long t) =>
        [.. Inside(all, f, w, t).Select(e => Today(e.TimeMs))];

    private static SlowEvent? LastOf(IReadOnlyList<SlowEvent> all, string property, SlowFilter f) => all
        .Where(e => f.Passes(e) && e.Text(property) is not null).OrderBy(e => e.TimeMs).ThenBy(e => e.EventId ?? "", StringComparer.Ordinal)
        .ThenBy(e => e.Text(property), StringComparer.Ordinal).LastOrDefault();

    internal static SlowEvent? AttributeOf(IReadOnlyList<SlowEvent> all, string name) =>
        LastOf(all, name, new SlowFilter("", e => e.Name == "profile_update"));

    internal static (int, int) PeriodOf(string unit, DateOnly day) => unit switch
    {
        "day" => (0, day.DayNumber),
        "week" => (0, day.AddDays(-(((int)day.DayOfWeek + 6) % 7)).DayNumber),
        _ => (day.Year, day.Month),
    };

    private static bool IsAnniversary(DateOnly date, DateOnly day) => (day.Month, day.Day) == (date.Month, date.Day)
        || ((date.Month, date.Day, day.Month, day.Day) == (2, 29, 2, 28) && !DateTime.IsLeapYear(day.Year));

    private static int MonthsOf(DateOnly date, DateOnly today)
    {
        var months = 0;
        while (date.AddMonths(months + 1) <= today) months++;
        while (date.AddMonths(months) > today) months--;
        return months;
    }

    internal static bool Compare(string op, decimal a, decimal b) => op switch
    {
        "=" => a == b,
        "!=" => a != b,
        "<" => a < b,
        "<=" => a <= b,
        ">" => a > b,
        _ => a >= b,
    };

    internal static string Text(decimal n) => n.ToString("0.######", CultureInfo.InvariantCulture);
}
