using System.Runtime.InteropServices;
using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// Marks events whose rows are in the tables already, so that they are not inserted again: those of a process that ended before it had
/// committed, when its partitions are taken over, and this one's own when it starts over. It asks for the first insert of a partition, and
/// goes on until no rows lie ahead. What a frozen process adds later is left to the tables. Calls may come from any thread.
/// </summary>
/// <param name="find">Null: nothing is marked.</param>
public sealed class RepeatedRows(FindStoredRows? find)
{
    private readonly Lock _gate = new();
    // For which assignment it is known that no stored rows lie behind an offset. Of two inserts the later may ask first.
    private readonly Dictionary<SourcePartition, (int Assignment, long Behind)> _settled = [];

    /// <summary>Sets <see cref="TrackingEvent.IsStored"/>.</summary>
    /// <param name="batches">Folded: the verdicts are set, and their offsets rise.</param>
    /// <returns>How many events were marked.</returns>
    public async Task<int> MarkAsync(IReadOnlyList<EventBatch> batches, CancellationToken cancel)
    {
        if (find is null) return 0;
        var asked = Unsettled(batches);
        if (asked.Count == 0) return 0;
        var stored = await find([.. asked.Values.Select(a => a.Range)], cancel);
        var marked = stored.Rows.Count == 0 ? 0 : Mark(batches, ByPosition(stored.Rows));
        Settle([.. asked.Values], stored.HasMore);
        return marked;
    }

    private Dictionary<SourcePartition, (OffsetRange Range, int Assignment)> Unsettled(IReadOnlyList<EventBatch> batches)
    {
        Dictionary<SourcePartition, (OffsetRange Range, int Assignment)> asked = [];
        lock (_gate)
        {
            foreach (var batch in batches)
            {
                // Records come in runs of one partition.
                var records = batch.Records.Records.AsSpan(0, batch.Records.Count);
                for (var (first, i) = (0, 0); i < records.Length; i++)
                {
                    if (i + 1 < records.Length && records[i + 1].Partition == records[i].Partition) continue;
                    Ask(asked, records[i].Partition, records[first].Offset, records[i].Offset);
                    first = i + 1;
                }
            }
        }
        return asked;
    }

    private void Ask(
        Dictionary<SourcePartition, (OffsetRange Range, int Assignment)> asked, SourcePartition partition, long first, long last)
    {
        var assignment = partition.Assignments;
        if (_settled.TryGetValue(partition, out var settled) && settled.Assignment == assignment && first > settled.Behind) return;
        ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(asked, partition, out var isThere);
        if (isThere) (first, last) = (Math.Min(entry.Range.First, first), Math.Max(entry.Range.Last, last));
        entry = (new OffsetRange(partition, first, last), assignment);
    }

    private void Settle(IReadOnlyList<(OffsetRange Range, int Assignment)> asked, IReadOnlyList<bool> hasMore)
    {
        lock (_gate)
        {
            for (var i = 0; i < asked.Count; i++)
                if (!hasMore[i]) _settled[asked[i].Range.Partition] = (asked[i].Assignment, asked[i].Range.Last);
        }
    }

    private static Dictionary<(ulong, long, int), StoredRow> ByPosition(IReadOnlyList<StoredRow> rows) =>
        rows.ToDictionary(r => (r.At.Partition.Id, r.At.Offset, r.At.Index));

    private static int Mark(IReadOnlyList<EventBatch> batches, Dictionary<(ulong, long, int), StoredRow> stored)
    {
        var marked = 0;
        foreach (var batch in batches)
        {
            foreach (ref var e in batch.Events)
            {
                var at = batch.PositionOf(in e);
                if (!stored.TryGetValue((at.Partition.Id, at.Offset, at.Index), out var row)) continue;
                e.IsStored = MayStand(row, in e, batch.AheadBefore);
                if (e.IsStored) marked++;
            }
        }
        return marked;
    }

    private static bool MayStand(in StoredRow row, in TrackingEvent e, ulong aheadBefore) =>
        // It would overrule none.
        e.Verdict == Verdict.Forgotten
        || row.IsDuplicate == (e.Verdict == Verdict.Duplicate) && RowEpoch.MayStand(row.Epoch, aheadBefore);
}
