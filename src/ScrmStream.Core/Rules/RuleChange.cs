namespace ScrmStream.Rules;

/// <summary>
/// Whom other rules concern: of everybody else they conclude what the rules before did. Told by what is stored of each, without asking any
/// rule. Immutable, any thread.
/// </summary>
/// <param name="ConcernsAll">Nobody can be passed over.</param>
/// <param name="Aggregates">Keys: whoever has something in one of these is concerned,</param>
/// <param name="Tags">and whoever has one of these tags.</param>
public sealed record RuleChange(bool ConcernsAll, IReadOnlyList<uint> Aggregates, IReadOnlyList<string> Tags)
{
    public static RuleChange Everybody { get; } = new(true, [], []);

    /// <summary>
    /// What the step from some rules to others concerns. A tag that came or changed concerns only some where it cannot hold without an
    /// event that it counts; one that went, those who have it. Anything else may concern everybody.
    /// </summary>
    public static RuleChange Between(RuleSet before, RuleSet after)
    {
        if (before.Actions is not null || after.Actions is not null || before.NeedsTimers != after.NeedsTimers) return Everybody;
        if (!AllButTags(before).SequenceEqual(AllButTags(after))) return Everybody;
        var (old, now) = (before.Tags.ToDictionary(t => t.Name, t => t.Text), after.Tags.ToDictionary(t => t.Name, t => t.Text));
        var changed = after.Tags.Where(t => old.GetValueOrDefault(t.Name) != t.Text).ToList();
        if (changed.Exists(t => !t.NeedsAnEvent)) return Everybody;
        var meantElse = before.Tags.Where(t => now.GetValueOrDefault(t.Name) != t.Text);
        return new RuleChange(
            false, [.. changed.SelectMany(t => t.Aggregates).Select(a => a.Key).Distinct().Order()],
            [.. meantElse.Select(t => t.Name).Order(StringComparer.Ordinal)]);
    }

    /// <summary>Both: this one, and then another before everybody had followed.</summary>
    public RuleChange Then(RuleChange next) => ConcernsAll || next.ConcernsAll
        ? Everybody
        : new RuleChange(
            false, [.. Aggregates.Union(next.Aggregates).Order()], [.. Tags.Union(next.Tags).Order(StringComparer.Ordinal)]);

    private static IEnumerable<string> AllButTags(RuleSet rules) =>
    [
        rules.Zone.Id, .. rules.Attributes.Select(a => a.Text), .. rules.Scores.Select(s => s.Text),
        .. rules.Pipelines.Select(p => p.Text),
    ];
}
