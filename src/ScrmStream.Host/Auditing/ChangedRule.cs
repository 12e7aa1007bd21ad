namespace ScrmStream.Host.Auditing;

/// <summary>What another rule file, or other limits of identity, would change of one tag, score or pipeline of leads.</summary>
/// <param name="Kind">tag, score or lead.</param>
internal sealed record ChangedRule(string Rule, string Kind)
{
    private const int SamplesMax = 5;

    /// <summary>Customers who have the tag, a score that is not 0, or a lead, as it is and as it would be.</summary>
    public long Before { get; set; }
    /// <inheritdoc cref="Before"/>
    public long After { get; set; }
    /// <summary>Customers who would get it, lose it, or have it with another value, grade or stage.</summary>
    public long Gain { get; set; }
    /// <inheritdoc cref="Gain"/>
    public long Lose { get; set; }
    /// <inheritdoc cref="Gain"/>
    public long Change { get; set; }
    /// <summary>Some of them: customer, before, after.</summary>
    public List<string> Samples { get; } = [];

    /// <summary>Counts a customer; null: without it.</summary>
    public void Count(string customer, string? before, string? after)
    {
        if (before is not null) Before++;
        if (after is not null) After++;
        Compare(customer, before, after);
    }

    /// <summary>Counts what changes for whom, and not who has it.</summary>
    public void Compare(string customer, string? before, string? after)
    {
        if (before == after) return;
        if (before is null) Gain++;
        else if (after is null) Lose++;
        else Change++;
        if (Samples.Count < SamplesMax) Samples.Add($"{customer}: {before ?? "-"} -> {after ?? "-"}");
    }
}
