using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// One flush from its start until its offsets are committed: the batches that it makes durable, and what is written at its end. Its
/// cells and views pass in slices (<see cref="FlushSlice"/>), so that its size does not cost memory.
/// </summary>
public sealed class Flush
{
    /// <summary>The batches whose events this flush makes durable, in the order they were folded.</summary>
    public List<EventBatch> Batches { get; } = [];
    /// <summary>
    /// How many of <see cref="Batches"/>, from the front, have their rows and dead letters written by an earlier attempt.
    /// </summary>
    public int BatchesWritten { get; private set; }
    /// <summary>Where each partition goes on once this flush is durable.</summary>
    public List<NextOffset> Next { get; } = [];
    public List<DeadLetter> DeadLetters { get; } = [];
    /// <summary>Noted before views are published, written behind them.</summary>
    public List<IdentityMapping> Mappings { get; } = [];
    /// <summary>What the views say of identifiers that went to another customer; written before them.</summary>
    public List<IdentityChange> IdentityChanges { get; } = [];

    /// <summary>The insert of rows and dead letters, once the cells are stored.</summary>
    internal Task Rows { get; set; } = Task.CompletedTask;
    /// <summary>The writing of identity changes, once the cells are stored.</summary>
    internal Task Announced { get; set; } = Task.CompletedTask;

    /// <summary>Starts anew with batches of which the first ones are written already.</summary>
    public void Begin(IReadOnlyList<EventBatch> batches, int written)
    {
        Next.Clear();
        DeadLetters.Clear();
        Mappings.Clear();
        IdentityChanges.Clear();
        Batches.Clear();
        Batches.AddRange(batches);
        BatchesWritten = written;
        Rows = Announced = Task.CompletedTask;
        NoteBatches();
    }

    private void NoteBatches()
    {
        var next = new Dictionary<SourcePartition, long>();
        for (var i = 0; i < Batches.Count; i++)
        {
            var batch = Batches[i];
            foreach (ref var record in batch.Records.Records.AsSpan(0, batch.Records.Count)) next[record.Partition] = record.Offset + 1;
            if (i < BatchesWritten) continue;
            foreach (var reject in batch.Rejects) DeadLetters.Add(LetterOf(batch, in reject));
        }
        foreach (var (partition, offset) in next) Next.Add(new NextOffset(partition, offset));
    }

    private static DeadLetter LetterOf(EventBatch batch, in Reject reject)
    {
        ref var record = ref batch.Records.Records[reject.Record];
        var position = new SourcePosition(record.Partition, record.Offset, reject.Index);
        // The event's own bytes where they are known: a letter of one event must not carry its siblings, which were accepted.
        var isWhole = reject.Raw.Length <= 0;
        var raw = isWhole ? batch.Buffer.AsMemory(record.Start, record.Length) : batch.Buffer.AsMemory(reject.Raw.Start, reject.Raw.Length);
        var (key, headers) = batch.Records.OriginOf(reject.Record);
        return new DeadLetter(position, record.TimestampMs, reject.Reason, reject.Detail, raw)
        {
            IsWholeRecord = isWhole,
            Key = batch.Buffer.AsMemory(key.Start, key.Length),
            Headers = batch.Buffer.AsMemory(headers.Start, headers.Length),
        };
    }
}

/// <summary>How the cells and views of a flush fared.</summary>
public enum FlushOutcome : byte
{
    /// <summary>All are stored; rows, identity map and offsets follow.</summary>
    Published,
    /// <summary>Another process had changed a cell: only cells were written; the batches are to be applied again.</summary>
    CellConflict,
    /// <summary>Another process had published from newer cells: rows are written; the batches are to be applied again.</summary>
    ViewRefused,
}
