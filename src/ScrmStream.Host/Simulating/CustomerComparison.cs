using ScrmStream.Host.Auditing;
using ScrmStream.Identity;
using ScrmStream.Rules;

namespace ScrmStream.Host.Simulating;

/// <summary>Two identifiers, of which one leads to the other or no longer does.</summary>
internal readonly record struct IdentifierPair(UInt128 One, UInt128 Other);

/// <summary>Pairs that come, or go: how many, and some of them.</summary>
internal sealed class ChangedPairs(int examplesMax)
{
    public long Count { get; private set; }
    public List<IdentifierPair> Examples { get; } = [];

    public void Add(UInt128 one, UInt128 other)
    {
        Count++;
        if (Examples.Count < examplesMax) Examples.Add(new IdentifierPair(one, other));
    }
}

/// <summary>
/// What other limits change: two customers that become one (a merge gained), one that becomes two (a merge lost), identifiers that come to
/// another customer's root or leave theirs, and the tags and leads that a reader finds by the id of whoever is a customer before or after.
/// </summary>
internal sealed class CustomerComparison
{
    private readonly FoldedCustomers _before, _after;

    public CustomerComparison(FoldedCustomers before, FoldedCustomers after, RuleSet rules, int examplesMax)
    {
        (_before, _after) = (before, after);
        (MergesGained, MergesLost) = (new ChangedPairs(examplesMax), new ChangedPairs(examplesMax));
        (Joining, Leaving) = (new ChangedPairs(examplesMax), new ChangedPairs(examplesMax));
        Rules =
        [
            .. rules.Tags.Select(t => new ChangedRule(t.Name, "tag")), .. rules.Pipelines.Select(p => new ChangedRule(p.Name, "lead")),
        ];
        ComparePeople();
        CompareRules();
    }

    /// <summary>Roots of two customers that would be one.</summary>
    public ChangedPairs MergesGained { get; }
    /// <summary>Roots of two customers that are one now.</summary>
    public ChangedPairs MergesLost { get; }
    /// <summary>An identifier, and the root of the customer it would come to.</summary>
    public ChangedPairs Joining { get; }
    /// <summary>An identifier, and the root of the customer it would leave.</summary>
    public ChangedPairs Leaving { get; }
    public IReadOnlyList<ChangedRule> Rules { get; }

    private void ComparePeople()
    {
        var shared = new HashSet<(int Before, int After)>();
        foreach (var id in _before.Identifiers.Union(_after.Identifiers).Order())
        {
            var (before, after) = (_before.CustomerOf(id), _after.CustomerOf(id));
            if (before >= 0 && after >= 0) shared.Add((before, after));
            if (before >= 0 && (after < 0 || _after.CustomerOf(_before.Roots[before]) != after)) Leaving.Add(id, _before.Roots[before]);
            if (after >= 0 && (before < 0 || _before.CustomerOf(_after.Roots[after]) != before)) Joining.Add(id, _after.Roots[after]);
        }
        Count(shared, MergesGained, _before, _after);
        Count(shared.Select(s => (s.After, s.Before)), MergesLost, _after, _before);
    }

    // Of the customers that are parts of one whole, each but one makes a merge with that one: with the part that has the root of the whole.
    private static void Count(
        IEnumerable<(int Part, int Whole)> shared, ChangedPairs merges, FoldedCustomers parts, FoldedCustomers wholes)
    {
        foreach (var whole in shared.GroupBy(s => s.Whole, s => s.Part).Where(g => g.Skip(1).Any()).OrderBy(g => g.Key))
        {
            var first = parts.CustomerOf(wholes.Roots[whole.Key]);
            if (first < 0) first = whole.Min();
            foreach (var part in whole.Where(p => p != first).Order()) merges.Add(parts.Roots[first], parts.Roots[part]);
        }
    }

    private void CompareRules()
    {
        var (old, other) = (new string?[Rules.Count], new string?[Rules.Count]);
        foreach (var root in _before.Roots.Union(_after.Roots).Order())
        {
            var (before, after) = (_before.CustomerOf(root), _after.CustomerOf(root));
            _before.ValuesOf(before, old);
            _after.ValuesOf(after, other);
            var (isBefore, isAfter) = (before >= 0 && _before.Roots[before] == root, after >= 0 && _after.Roots[after] == root);
            for (var i = 0; i < Rules.Count; i++)
            {
                if (isBefore && old[i] is not null) Rules[i].Before++;
                if (isAfter && other[i] is not null) Rules[i].After++;
                if (old[i] != other[i]) Rules[i].Compare(new IdentifierId(root).ToString(), old[i], other[i]);
            }
        }
    }
}
