using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline.Leads;

namespace ScrmStream.Pipeline;

/// <summary>A tag gained, lost or changed. Times are Unix milliseconds.</summary>
/// <param name="Value">Null: the tag is gone.</param>
/// <param name="SinceMs">
/// Since when it is so: the customer's latest event that brought it, or the moment at which time did; not before the customer was published
/// last.
/// </param>
public readonly record struct TagChange(IdentifierId Customer, string Tag, string? Value, string? Previous, long SinceMs)
{
    /// <summary>How many events of the customer it was concluded from.</summary>
    public long Events { get; init; }

    /// <summary>The fingerprint of the rules that concluded it (<see cref="Rules.RuleSet.Fingerprint"/>).</summary>
    public string? Rules { get; init; }
}

/// <summary>A grade crossed. Scores in millionths of a point.</summary>
public readonly record struct ScoreChange(
    IdentifierId Customer, string Score, long ValueMicro, string? Grade, string? Previous, long SinceMs)
{
    /// <inheritdoc cref="TagChange.Events"/>
    public long Events { get; init; }

    /// <inheritdoc cref="TagChange.Rules"/>
    public string? Rules { get; init; }
}

/// <summary>Which customer an identifier belongs to. A row with a higher version replaces one with a lower.</summary>
/// <param name="Text">Stored text, UTF-8.</param>
/// <param name="Customer">Null: nobody's.</param>
/// <param name="Version">The version of the identifier's cell, which is written whenever the mapping changes.</param>
/// <param name="KnownAtMs">When it was published, Unix milliseconds: one time for all mappings of a flush.</param>
public readonly record struct IdentityMapping(
    IdentifierId Identifier, ReadOnlyMemory<byte> Text, IdentifierId? Customer, ulong Version, long KnownAtMs);

/// <summary>An identifier that readers knew before went to another customer: by a merge, an unmerge or another root.</summary>
/// <param name="Mapping">Where it belongs now.</param>
/// <param name="HasPrevious">False: this process has not published the identifier before, so it may also have been there.</param>
/// <param name="Previous">Where it belonged before; null: nobody's.</param>
public readonly record struct IdentityChange(IdentityMapping Mapping, bool HasPrevious, IdentifierId? Previous);

/// <summary>A rejected event or record: raw bytes, coordinates and reason.</summary>
public readonly record struct DeadLetter(
    SourcePosition Position, long TimestampMs, RejectReason Reason, string Detail, ReadOnlyMemory<byte> Raw)
{
    /// <summary><see cref="Raw"/> is the record as it came, which may hold events that were accepted; false: it is one event.</summary>
    public bool IsWholeRecord { get; init; } = true;

    /// <summary>The record's key; empty: it had none.</summary>
    public ReadOnlyMemory<byte> Key { get; init; }

    /// <summary>The record's headers, as <see cref="HeaderBlock"/>.</summary>
    public ReadOnlyMemory<byte> Headers { get; init; }
}

/// <summary>
/// The tables analysts query. Implementations: ClickHouse, files. Rows are acknowledged when the call returns; a call that is
/// repeated with the same content adds nothing a reader sees.
/// </summary>
public interface IAnalyticsSink
{
    /// <summary>
    /// Writes the events of the batches as one block, duplicates to be hidden, all others to be seen: of two verdicts on a record that
    /// of the higher <see cref="EventBatch.EpochOf"/> holds. The same batches carry the same token. The batches are read before the call
    /// gives back its task; after that they may be reused.
    /// </summary>
    /// <exception cref="RowsRefusedException">Something in the rows is not taken, and never will be; none of them is stored.</exception>
    Task WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel);

    Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel);

    Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel);

    /// <summary>Writes what is known now of customers' leads, in place of what was known before, and tells what of it is news.</summary>
    Task WriteLeadsAsync(IReadOnlyList<CustomerLeads> leads, CancellationToken cancel);

    Task WriteActionsAsync(IReadOnlyList<CustomerAction> actions, CancellationToken cancel);

    /// <summary>
    /// Writes the map and its history. A mapping that comes again, even with a later time, was known since it came first.
    /// </summary>
    Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel);

    Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel);
}

/// <summary>Takes rejected records aside. Implementations: the dead-letter topic, files.</summary>
public interface IDeadLetterSink
{
    /// <summary>Returns when all letters are acknowledged.</summary>
    Task WriteAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel);
}

/// <summary>
/// Announces identifiers that went to another customer, before the views that say so. Implementations: a topic, files.
/// </summary>
public interface IIdentityChangeSink
{
    /// <summary>
    /// Returns when all changes are acknowledged. Calls may come from any thread and at the same time, then with different identifiers.
    /// </summary>
    /// <exception cref="StoreUnavailableException">Some were not acknowledged in time; any of them may have been written.</exception>
    Task WriteAsync(IReadOnlyList<IdentityChange> changes, CancellationToken cancel);
}
