using ScrmStream.Identity;

namespace ScrmStream.Pipeline.Leads;

/// <summary>A lead, and where it came from. Texts are empty where the event that made it had none.</summary>
public sealed record PublishedLead(string Id, long CreatedMs, string Channel, string Source, string Campaign, string Inviter);

/// <summary>One step of a lead.</summary>
/// <param name="Lead">Its place in <see cref="CustomerLeads.Leads"/>.</param>
/// <param name="Previous">The stage before; null: the lead was made.</param>
/// <param name="Step">created, event, after, idle or reminder.</param>
/// <param name="Reminder">Null for other steps.</param>
public readonly record struct PublishedStep(int Lead, string Stage, string? Previous, long AtMs, string Step, string? Reminder);

/// <summary>
/// All leads that a customer ever had in one pipeline, as known now. It replaces what was published with a lower version: merges,
/// unmerges and late events may have changed what is past.
/// </summary>
/// <param name="Type">sales or service; empty when the rules have no such pipeline any more.</param>
/// <param name="Version">The writer epoch in the upper 22 bits, the time of publication (Unix milliseconds) in the others.</param>
public sealed record CustomerLeads(IdentifierId Customer, string Pipeline, string Type, ulong Version)
{
    private const int TimeBits = 42;

    /// <summary>In order of their making; empty: the customer is no more, or has none any more.</summary>
    public IReadOnlyList<PublishedLead> Leads { get; init; } = [];
    /// <summary>In order of time.</summary>
    public IReadOnlyList<PublishedStep> Steps { get; init; } = [];
    /// <inheritdoc cref="TagChange.Rules"/>
    public string? Rules { get; init; }
    /// <summary>What of it is to be announced.</summary>
    public IReadOnlyList<StageChange> Changes { get; init; } = [];

    public static ulong VersionOf(ulong epoch, long knownAtMs) => epoch << TimeBits | (ulong)knownAtMs & ((1UL << TimeBits) - 1);
}

/// <summary>A lead came into a stage, or a reminder of it is due.</summary>
/// <param name="Lead">Its id; empty when the customer has no lead in this pipeline any more.</param>
/// <param name="Stage">Null: the customer has no lead in this pipeline any more.</param>
/// <param name="Step">
/// created, event, after, idle or reminder; rewritten: a merge, an unmerge, a late event or other rules changed what is past.
/// </param>
/// <param name="SinceMs">Since when it is so, in event time.</param>
public readonly record struct StageChange(
    IdentifierId Customer, string Pipeline, string Type, string Lead, string? Stage, string? Previous, string Step, string? Reminder,
    long SinceMs)
{
    /// <summary>How many events of the customer it was concluded from; 0 when it became part of another one.</summary>
    public long Events { get; init; }

    /// <inheritdoc cref="TagChange.Rules"/>
    public string? Rules { get; init; }
}
