using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>Offsets of a partition, the first and the last among them.</summary>
public readonly record struct OffsetRange(SourcePartition Partition, long First, long Last);

/// <summary>What the tables have of one event.</summary>
/// <param name="Epoch">The highest of its rows (<see cref="RowEpoch"/>).</param>
/// <param name="IsDuplicate">The verdict that all of its rows have; null: they differ.</param>
public readonly record struct StoredRow(SourcePosition At, ulong Epoch, bool? IsDuplicate);

/// <summary>What the tables have of some ranges.</summary>
/// <param name="Rows">One of each event that has any.</param>
/// <param name="HasMore">For each range: there are rows behind its last offset.</param>
public sealed record StoredRows(IReadOnlyList<StoredRow> Rows, IReadOnlyList<bool> HasMore);

/// <summary>Asks the tables which events of the ranges have rows. Waits while they are away.</summary>
public delegate Task<StoredRows> FindStoredRows(IReadOnlyList<OffsetRange> ranges, CancellationToken cancel);
