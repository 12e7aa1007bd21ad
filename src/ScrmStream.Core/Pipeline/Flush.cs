using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// One flush from its first event until its offsets are committed: what it makes durable, and what is written at its end. Its cells
/// and views pass in slices (<see cref="FlushSlice"/>), so that its size does not cost memory. Owned by the deciding thread.
/// </summary>
public sealed class Flush
{
    private readonly Dictionary<SourcePartition, long> _next = [];

    /// <summary>
    /// The batches whose rows are not under way yet, in the order they were folded. While a process writes alone they leave as soon as
    /// they make an insert; otherwise they stay, to be applied again after a conflict.
    /// </summary>
    public List<EventBatch> Batches { get; } = [];
    /// <summary>
    /// How many of <see cref="Batches"/>, from the front, have their rows and dead letters written by an earlier attempt.
    /// </summary>
    public int BatchesWritten { get; private set; }
    /// <summary>Events folded into it.</summary>
    public int Events { get; private set; }
    public bool IsEmpty => _next.Count == 0;
    /// <summary>Some rows went ahead of the cells, and their batches are gone.</summary>
    public bool WentAhead { get; private set; }
    /// <summary>What becomes of its records, to be counted once they are durable.</summary>
    public FlushTally Tally { get; } = new();

    /// <summary>The inserts of rows and dead letters that have begun.</summary>
    internal List<Task> Rows { get; } = [];

    /// <summary>Where each partition goes on once this flush is durable.</summary>
    public List<NextOffset> Next => [.. _next.Select(n => new NextOffset(n.Key, n.Value))];

    public void Clear()
    {
        _next.Clear();
        Batches.Clear();
        Rows.Clear();
        Tally.Clear();
        (BatchesWritten, Events, WentAhead) = (0, 0, false);
    }

    /// <param name="batch">Folded: its verdicts are set.</param>
    /// <param name="isWritten">Its rows are durable from an earlier attempt, as are those of all batches before it.</param>
    public void Add(EventBatch batch, bool isWritten)
    {
        Batches.Add(batch);
        Events += batch.Count;
        if (isWritten) BatchesWritten++;
        Tally.Add(batch);
        // Records come in runs of one partition.
        var records = batch.Records.Records.AsSpan(0, batch.Records.Count);
        for (var i = 0; i < records.Length; i++)
        {
            if (i + 1 < records.Length && records[i + 1].Partition == records[i].Partition) continue;
            _next[records[i].Partition] = records[i].Offset + 1;
        }
    }

    /// <summary>Takes all batches away, whose rows are to be written ahead of the cells.</summary>
    public EventBatch[] SendAhead()
    {
        EventBatch[] batches = [.. Batches];
        Batches.Clear();
        (BatchesWritten, WentAhead) = (0, true);
        return batches;
    }
}

/// <summary>What became of the records of a flush.</summary>
public sealed class FlushTally
{
    private readonly long[] _rejected = new long[Enum.GetValues<RejectReason>().Length];

    public long Records { get; private set; }
    /// <summary>Good events, duplicates among them.</summary>
    public long Passed { get; private set; }
    /// <summary>Bad events and records.</summary>
    public long Rejects { get; private set; }
    public long Accepted { get; private set; }
    public long DroppedIdentifiers { get; private set; }
    /// <summary>By <see cref="RejectReason"/>.</summary>
    public ReadOnlySpan<long> Rejected => _rejected;

    internal void Clear()
    {
        Array.Clear(_rejected);
        Records = Passed = Rejects = Accepted = DroppedIdentifiers = 0;
    }

    internal void Add(EventBatch batch)
    {
        foreach (ref var e in batch.Events)
        {
            if (e.Verdict != Verdict.Duplicate) Accepted++;
            else _rejected[(int)RejectReason.Duplicate]++;
        }
        foreach (var reject in batch.Rejects) _rejected[(int)reject.Reason]++;
        Passed += batch.Count;
        Rejects += batch.Rejects.Count;
        DroppedIdentifiers += batch.DroppedIdentifiers;
        Records += batch.Records.Count;
    }
}

/// <summary>How the cells and views of a flush fared.</summary>
public enum FlushOutcome : byte
{
    /// <summary>All are stored; rows and offsets follow.</summary>
    Published,
    /// <summary>Another process had changed a cell: only cells were written; the batches are to be applied again.</summary>
    CellConflict,
    /// <summary>Another process had published from newer cells: rows are written; the batches are to be applied again.</summary>
    ViewRefused,
}
