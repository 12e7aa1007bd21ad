using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>What values a tag can have.</summary>
public enum TagKind : byte
{
    /// <summary>It holds, with the value "1", or it does not.</summary>
    Boolean,
    /// <summary>Its value comes from the events.</summary>
    Valued,
    /// <summary>Its value is one of <see cref="TagRule.Values"/>.</summary>
    Group,
    /// <summary>Its value is some of <see cref="TagRule.Values"/>, in their order, joined by commas.</summary>
    Set,
    /// <summary>People set and remove it, by events.</summary>
    Manual,
    /// <summary>Its value is the grades of two scores.</summary>
    Grid,
}

/// <summary>One tag of a rule set. Immutable, any thread.</summary>
public sealed class TagRule
{
    private readonly TagPlan _plan;

    internal TagRule(TagSyntax syntax, TagPlan plan, IReadOnlyList<Aggregate> aggregates, bool changesByItself)
    {
        Aggregates = aggregates;
        ChangesByItself = changesByItself;
        NeedsAnEvent = syntax is { Kind: TagKind.Boolean, When.Syntax.NeedsAnEvent: true };
        _plan = plan;
        Name = syntax.Name;
        Kind = syntax.Kind;
        ExpiresMs = syntax.ExpiresMs;
        Values = [.. syntax.Values.Select(v => v.Value)];
        Description = syntax.Description;
        Line = syntax.Place.Line;
        Text = syntax.Text;
        NameUtf8 = System.Text.Encoding.UTF8.GetBytes(Name);
    }

    public string Name { get; }
    public TagKind Kind { get; }
    /// <summary>How long it lasts after the latest event that made it true; 0 when it does not expire.</summary>
    public long ExpiresMs { get; }
    /// <summary>The values of a group in the order in which they are tried, or the members of a set; empty for other kinds.</summary>
    public IReadOnlyList<string> Values { get; }
    /// <summary>What the rule file says about it; may be empty.</summary>
    public string Description { get; }
    /// <summary>Where it stands in the rule file.</summary>
    public int Line { get; }
    /// <summary>The rule in canonical form.</summary>
    public string Text { get; }

    /// <summary>What it reads of the shards; tags it refers to read their own.</summary>
    public IReadOnlyList<Aggregate> Aggregates { get; }
    /// <summary>It may come, go or change its value by the mere passing of time, so that a timer has to ask again.</summary>
    public bool ChangesByItself { get; }

    /// <summary>It does not hold for whom all of <see cref="Aggregates"/> are empty.</summary>
    public bool NeedsAnEvent { get; }

    internal byte[] NameUtf8 { get; }

    internal void Decide(Evaluation v, int tag) => _plan.Decide(v, tag);
}
