using System.Globalization;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.Host.Auditing;

/// <summary>
/// Compares one customer. Both sides are public: rows that anybody can ask for, and the fields that downstream programs read.
/// </summary>
internal sealed class CustomerAudit(RuleSet rules)
{
    // A value is rounded when it is published and once more when it is brought to the watermark.
    private const long MicroApart = 2;
    private const int LastSeen = 0, Events = 1, FirstScore = 2, FieldsPerScore = 3;

    /// <summary>The fields of a view that are compared.</summary>
    public IReadOnlyList<string> Fields { get; } =
        ["last_seen", "events", .. rules.Scores.SelectMany(s => (string[])[$"score.{s.Name}", $"score.{s.Name}.at", $"grade.{s.Name}"])];

    private readonly HashSet<string> _tags = [.. rules.Tags.Select(t => t.Name)];

    /// <summary>Rules in order: tags, scores, tags that no rule has, and customers as a whole.</summary>
    public AuditResult NewResult(long asOfMs) => new(asOfMs,
    [
        .. rules.Tags.Select(t => new AuditedRule(t.Name, "tag")), .. rules.Scores.Select(s => new AuditedRule(s.Name, "score")),
        new AuditedRule("(tags of no rule)", "tag"), new AuditedRule("(events known)", "customer"),
    ]);

    /// <summary>Counts a customer that is the same, or in motion; false: something differs, and the row says what.</summary>
    public bool Compare(AuditRow row, PublishedFields view, long asOfMs, AuditResult result)
    {
        if (row.LastEventMs > asOfMs || Number(view.Fields[LastSeen]) > asOfMs)
        {
            result.InMotion++;
            return true;
        }
        row.Differences.Clear();
        row.PublishedEvents = Number(view.Fields[Events]);
        if (row.PublishedEvents != row.Events)
            row.Differences.Add((rules.Tags.Count + rules.Scores.Count + 1, $"{row.Events}", view.Fields[Events]));
        for (var i = 0; i < rules.Tags.Count; i++)
        {
            var published = view.Tags.GetValueOrDefault(rules.Tags[i].Name);
            if (published != row.Tag(i)) row.Differences.Add((i, row.Tag(i), published));
        }
        foreach (var (tag, value) in view.Tags)
            if (!_tags.Contains(tag)) row.Differences.Add((rules.Tags.Count + rules.Scores.Count, null, $"{tag}={value}"));
        for (var i = 0; i < rules.Scores.Count; i++) CompareScore(i, row, view, asOfMs);
        if (row.Differences.Count > 0) return false;
        Count(row, result);
        return true;
    }

    /// <summary>Adds a customer, with what differs.</summary>
    public void Count(AuditRow row, AuditResult result)
    {
        result.Customers++;
        for (var i = 0; i < rules.Tags.Count; i++)
            if (row.Tag(i) is not null) result.Rules[i].Members++;
        for (var i = 0; i < rules.Scores.Count; i++)
            if (row.Points(i, rules.Tags.Count) != 0) result.Rules[rules.Tags.Count + i].Members++;
        foreach (var (rule, sql, redis) in row.Differences) result.Rules[rule].Differs(row.Customer, sql, redis);
    }

    private void CompareScore(int i, AuditRow row, PublishedFields view, long asOfMs)
    {
        var score = rules.Scores[i];
        var fields = view.Fields.AsSpan(FirstScore + i * FieldsPerScore, FieldsPerScore);
        var (points, grade) = (row.Points(i, rules.Tags.Count), row.Grade(i, rules.Tags.Count));
        var found = Micro(fields[0]);
        var atMs = Number(fields[1]);
        if (found is { } micro && atMs < asOfMs) found = score.Decay(micro, atMs, asOfMs);
        // A score that fades evenly is right at its own time only; its grade always is.
        var isSame = found is not null && (Math.Abs(found.Value - points) <= MicroApart || (score.FadesEvenly && atMs != asOfMs));
        if (isSame && fields[2] == grade) return;
        row.Differences.Add((rules.Tags.Count + i, Show(points, grade), Show(found, fields[2])));
    }

    private static string Show(long? micro, string? grade) => micro is null ? "-"
        : string.Create(CultureInfo.InvariantCulture, $"{micro / 1_000_000m:0.######}{(grade is null ? "" : " ")}{grade}");

    private static long Number(string? text) => text is null ? 0 : long.Parse(text, CultureInfo.InvariantCulture);

    private static long? Micro(string? points) =>
        points is null ? null : (long)(decimal.Parse(points, NumberStyles.Float, CultureInfo.InvariantCulture) * 1_000_000m);
}
