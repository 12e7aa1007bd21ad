using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline;

/// <summary>A tag gained, lost or changed. Times are Unix milliseconds.</summary>
/// <param name="Value">Null: the tag is gone.</param>
/// <param name="SinceMs">The customer's latest event time at which this was concluded.</param>
public readonly record struct TagChange(IdentifierId Customer, string Tag, string? Value, string? Previous, long SinceMs);

/// <summary>A grade crossed. Scores in millionths of a point.</summary>
public readonly record struct ScoreChange(
    IdentifierId Customer, string Score, long ValueMicro, string? Grade, string? Previous, long SinceMs);

/// <summary>Which customer an identifier belongs to. A row with a higher version replaces one with a lower.</summary>
/// <param name="Text">Stored text, UTF-8.</param>
/// <param name="Customer">Null: nobody's.</param>
/// <param name="Version">The sum of the versions of the cells that it was derived from; grows with every accepted view.</param>
public readonly record struct IdentityMapping(
    IdentifierId Identifier, ReadOnlyMemory<byte> Text, IdentifierId? Customer, ulong Version);

/// <summary>A rejected event or record: raw bytes, coordinates and reason.</summary>
public readonly record struct DeadLetter(
    SourcePosition Position, long TimestampMs, RejectReason Reason, string Detail, ReadOnlyMemory<byte> Raw);

/// <summary>
/// The tables analysts query. Implementations: ClickHouse, files. Rows are acknowledged when the call returns; a call that is
/// repeated with the same content adds nothing a reader sees.
/// </summary>
public interface IAnalyticsSink
{
    /// <summary>Writes the accepted events of the batches as one block. The same batches carry the same token.</summary>
    Task WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel);

    Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel);

    Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel);

    Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel);

    Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel);
}

/// <summary>Takes rejected records aside. Implementations: the dead-letter topic, files.</summary>
public interface IDeadLetterSink
{
    /// <summary>Returns when all letters are acknowledged.</summary>
    Task WriteAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel);
}
