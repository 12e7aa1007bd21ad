using System.Globalization;
using ScrmStream.ClickHouse;
using ScrmStream.Rules;

namespace ScrmStream.Host.Auditing;

/// <summary>Compares two rule files over the same events: who would gain and lose what. Nothing is written.</summary>
internal sealed class RuleDiff(ClickHouseClient clickHouse, RuleSet before, RuleSet after, long asOfMs)
{
    private readonly List<ChangedRule> _rules =
    [
        .. Names(before.Tags, after.Tags, t => t.Name).Select(name => new ChangedRule(name, "tag")),
        .. Names(before.Scores, after.Scores, s => s.Name).Select(name => new ChangedRule(name, "score")),
    ];

    /// <summary>Customers with an event up to the time.</summary>
    public long Customers { get; private set; }

    /// <exception cref="ClickHouseException">The server refused a query.</exception>
    public async Task<IReadOnlyList<ChangedRule>> RunAsync(CancellationToken cancel)
    {
        foreach (var part in await CustomerParts.OfAsync(clickHouse, cancel))
        {
            // Both queries name the same customers in the same order: those with an event up to the time.
            Merge(await part.ReadAsync(clickHouse, before, asOfMs, cancel), await part.ReadAsync(clickHouse, after, asOfMs, cancel));
        }
        return _rules;
    }

    // Who came between the two queries is in one of them only, and passed over.
    private void Merge(IEnumerable<AuditRow> olds, IEnumerable<AuditRow> news)
    {
        using var old = olds.GetEnumerator();
        using var other = news.GetEnumerator();
        for (var goesOn = old.MoveNext() && other.MoveNext(); goesOn;)
        {
            var order = string.CompareOrdinal(old.Current.Customer, other.Current.Customer);
            if (order == 0) Compare(old.Current, other.Current);
            goesOn = (order > 0 || old.MoveNext()) && (order < 0 || other.MoveNext());
        }
    }

    private void Compare(AuditRow old, AuditRow other)
    {
        Customers++;
        foreach (var rule in _rules)
        {
            if (rule.Kind == "tag") rule.Count(old.Customer, Tag(before, old, rule.Rule), Tag(after, other, rule.Rule));
            else rule.Count(old.Customer, Score(before, old, rule.Rule), Score(after, other, rule.Rule));
        }
    }

    private static string? Tag(RuleSet rules, AuditRow row, string name)
    {
        for (var i = 0; i < rules.Tags.Count; i++)
            if (rules.Tags[i].Name == name) return row.Tag(i);
        return null;
    }

    private static string? Score(RuleSet rules, AuditRow row, string name)
    {
        for (var i = 0; i < rules.Scores.Count; i++)
        {
            if (rules.Scores[i].Name != name || row.Points(i, rules.Tags.Count) is not (not 0 and var points)) continue;
            var grade = row.Grade(i, rules.Tags.Count);
            return string.Create(CultureInfo.InvariantCulture, $"{points / 1_000_000m:0.######}") + (grade is null ? "" : $" {grade}");
        }
        return null;
    }

    private static IEnumerable<string> Names<T>(IEnumerable<T> olds, IEnumerable<T> news, Func<T, string> name) =>
        olds.Concat(news).Select(name).Distinct(StringComparer.Ordinal);
}
