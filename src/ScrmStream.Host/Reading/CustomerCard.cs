using System.Collections.Frozen;
using System.Globalization;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.Host.Reading;

/// <summary>One identifier, as it is stored.</summary>
public sealed record CustomerIdentifier(string Kind, string Scope, string Value)
{
    /// <summary>Takes <c>kind:scope:value</c>, split at the first two colons; null when there are fewer.</summary>
    public static CustomerIdentifier? TryParse(string text)
    {
        var parts = text.Split(':', 3);
        return parts.Length == 3 ? new CustomerIdentifier(parts[0], parts[1], parts[2]) : null;
    }

    public override string ToString() => $"{Kind}:{Scope}:{Value}";
}

/// <summary>A score as of one time.</summary>
/// <param name="Grade">Null below the lowest grade.</param>
public sealed record CustomerScore(decimal Value, string? Grade);

/// <summary>The last lead of a customer in one pipeline.</summary>
/// <param name="Since">Since when it is in the stage, Unix milliseconds.</param>
/// <param name="Lead">The lead's id.</param>
/// <param name="Count">How many leads the customer ever had in the pipeline.</param>
/// <param name="Reminder">The reminder that came last in this stage; null: none.</param>
public sealed record CustomerLead(string Stage, long Since, string Lead, long Count, string? Reminder);

/// <summary>What became of an action.</summary>
/// <param name="Outcome"><c>sent</c>, or the reason why it was not.</param>
/// <param name="DecidedMs">Unix milliseconds.</param>
public sealed record CustomerActionOutcome(string Outcome, long DecidedMs);

/// <summary>A customer as downstream programs see it: what <c>customer</c> prints and a line of <c>customers.ndjson</c> holds.
/// Immutable.</summary>
/// <param name="Tags">Value by name; "1" for a tag that just holds (see <see cref="JustHolds"/>).</param>
/// <param name="FirstSeen">Unix milliseconds.</param>
/// <param name="LastSeen">Unix milliseconds.</param>
public sealed record CustomerCard(
    string Customer, IReadOnlyList<CustomerIdentifier> Identifiers, IReadOnlyDictionary<string, string> Tags,
    IReadOnlyDictionary<string, CustomerScore> Scores, IReadOnlyDictionary<string, string> Attributes, long FirstSeen,
    long LastSeen, long Events)
{
    private const string ScorePrefix = "score.", AttributePrefix = "attribute.", LeadPrefix = "lead.", ActionPrefix = "action.";

    /// <summary>The last lead by pipeline; empty: none.</summary>
    public IReadOnlyDictionary<string, CustomerLead> Leads { get; init; } = FrozenDictionary<string, CustomerLead>.Empty;

    /// <summary>Where the customer was met, in words.</summary>
    public IReadOnlyList<string> Channels { get; init; } = [];

    /// <summary>By name what became of each action last.</summary>
    public IReadOnlyDictionary<string, CustomerActionOutcome> Actions { get; init; } =
        FrozenDictionary<string, CustomerActionOutcome>.Empty;

    /// <summary>Tags that the rules give a value; of these "1" is a value. Empty where the rules are not known.</summary>
    public IReadOnlySet<string> ValuedTags { get; init; } = FrozenSet<string>.Empty;

    /// <summary>True for a tag that has no value besides that it holds. Without rules every "1" is taken for one.</summary>
    public bool JustHolds(string tag) => Tags[tag] == "1" && !ValuedTags.Contains(tag);

    /// <summary>Reads a stored view and brings its scores to a time.</summary>
    /// <param name="rules">For the grades at that time and the kinds of tags; null: grades stay as stored.</param>
    public static CustomerCard Of(StoredCustomer stored, IReadOnlyList<CustomerIdentifier> identifiers, RuleSet? rules, long asOfMs)
    {
        var fields = stored.Fields;
        var scores = fields.Keys.Where(IsScore).Select(f => f[ScorePrefix.Length..]).Order(StringComparer.Ordinal)
            .ToDictionary(name => name, name => ScoreOf(fields, name, rules, asOfMs));
        var attributes = fields.Where(f => f.Key.StartsWith(AttributePrefix, StringComparison.Ordinal))
            .OrderBy(f => f.Key, StringComparer.Ordinal)
            .ToDictionary(f => f.Key[AttributePrefix.Length..], f => f.Value);
        return new CustomerCard(
            stored.Customer.ToString(), identifiers, stored.Tags.OrderBy(t => t.Key, StringComparer.Ordinal).ToDictionary(), scores,
            attributes, Number(fields, "first_seen"), Number(fields, "last_seen"), Number(fields, "events"))
        {
            Leads = LeadsOf(fields),
            Actions = fields.Keys.Where(f => f.StartsWith(ActionPrefix, StringComparison.Ordinal) && fields.ContainsKey($"{f}.at"))
                .Order(StringComparer.Ordinal)
                .ToDictionary(f => f[ActionPrefix.Length..], f => new CustomerActionOutcome(fields[f], Number(fields, $"{f}.at"))),
            Channels = fields.GetValueOrDefault("channels", "").Split(',', StringSplitOptions.RemoveEmptyEntries),
            ValuedTags = rules is null
                ? FrozenSet<string>.Empty
                : rules.Tags.Where(t => t.Kind is not (TagKind.Boolean or TagKind.Manual)).Select(t => t.Name).ToHashSet(),
        };
    }

    // A pipeline's name may have dots, and end like one of its fields; every lead has a stage.
    private static SortedDictionary<string, CustomerLead> LeadsOf(IReadOnlyDictionary<string, string> fields)
    {
        SortedDictionary<string, CustomerLead> leads = new(StringComparer.Ordinal);
        foreach (var (field, lead) in fields)
        {
            if (!field.StartsWith(LeadPrefix, StringComparison.Ordinal)) continue;
            var pipeline = field[LeadPrefix.Length..];
            if (!fields.TryGetValue($"stage.{pipeline}", out var stage) || !fields.ContainsKey($"lead.{pipeline}.count")) continue;
            leads.Add(pipeline, new CustomerLead(
                stage, Number(fields, $"stage.{pipeline}.since"), lead, Number(fields, $"lead.{pipeline}.count"),
                fields.GetValueOrDefault($"reminder.{pipeline}")));
        }
        return leads;
    }

    // score.NAME is a value; score.NAME.at, score.NAME.half_life and score.NAME.max go with it.
    private static bool IsScore(string field) =>
        field.StartsWith(ScorePrefix, StringComparison.Ordinal) && !field.EndsWith(".at", StringComparison.Ordinal)
            && !field.EndsWith(".half_life", StringComparison.Ordinal) && !field.EndsWith(".max", StringComparison.Ordinal);

    private static CustomerScore ScoreOf(IReadOnlyDictionary<string, string> fields, string name, RuleSet? rules, long asOfMs)
    {
        var micro = (long)(decimal.Parse(fields[ScorePrefix + name], NumberStyles.Number, CultureInfo.InvariantCulture) * 1_000_000m);
        var atMs = Number(fields, $"{ScorePrefix}{name}.at");
        var held = fields.GetValueOrDefault($"grade.{name}");
        // A value at its limit does not fade before "at".
        if (fields.ContainsKey($"{ScorePrefix}{name}.max")) asOfMs = Math.Max(asOfMs, atMs);
        if (rules?.Scores.FirstOrDefault(s => s.Name == name) is { } rule)
        {
            micro = rule.Decay(micro, atMs, asOfMs);
            return new CustomerScore(micro / 1_000_000m, rule.GradeOf(micro, held));
        }
        var halfLifeMs = Number(fields, $"{ScorePrefix}{name}.half_life");
        // The same as in schemas/redis/README.md: value x 2^((at - now) / half-life).
        if (halfLifeMs > 0) micro = (long)Math.Round(micro * Math.Pow(2, (double)(atMs - asOfMs) / halfLifeMs));
        return new CustomerScore(micro / 1_000_000m, held);
    }

    private static long Number(IReadOnlyDictionary<string, string> fields, string name) =>
        long.TryParse(fields.GetValueOrDefault(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value : 0;
}
