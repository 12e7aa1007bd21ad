namespace ScrmStream.Host.Auditing;

/// <summary>What another rule file would change of one tag or score.</summary>
/// <param name="Kind">tag or score.</param>
internal sealed record ChangedRule(string Rule, string Kind)
{
    private const int SamplesMax = 5;

    /// <summary>Customers who have the tag, or a score that is not 0, by the old rules and by the new.</summary>
    public long Before { get; set; }
    /// <inheritdoc cref="Before"/>
    public long After { get; set; }
    /// <summary>Customers who would get it, lose it, or have it with another value or grade.</summary>
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
        if (before == after) return;
        if (before is null) Gain++;
        else if (after is null) Lose++;
        else Change++;
        if (Samples.Count < SamplesMax) Samples.Add($"{customer}: {before ?? "-"} -> {after ?? "-"}");
    }
}
