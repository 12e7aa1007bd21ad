using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// Everything one flush writes. Built by the deciding thread, carried out by the write stage, then recycled; owned by one of them
/// at a time.
/// </summary>
public sealed class FlushJob
{
    public ByteArena Arena { get; } = new();
    public List<CellWrite> Cells { get; } = [];
    public List<ViewWrite> Views { get; } = [];
    public List<TagChange> TagChanges { get; } = [];
    public List<ScoreChange> ScoreChanges { get; } = [];
    public List<IdentityMapping> Mappings { get; } = [];
    public List<DeadLetter> DeadLetters { get; } = [];
    /// <summary>The batches whose events this flush makes durable, in the order they were folded.</summary>
    public List<EventBatch> Batches { get; } = [];
    /// <summary>Where each partition goes on once this flush is durable.</summary>
    public List<NextOffset> Next { get; } = [];
    /// <summary>
    /// How many of <see cref="Batches"/>, from the front, have their rows and dead letters written by an earlier attempt.
    /// </summary>
    public int BatchesWritten { get; set; }

    /// <summary>The ranks of views that are on no board, once written in the arena.</summary>
    internal ArenaRange? OffEveryBoard { get; set; }

    public void Clear()
    {
        Arena.Clear();
        Cells.Clear();
        Views.Clear();
        TagChanges.Clear();
        ScoreChanges.Clear();
        Mappings.Clear();
        DeadLetters.Clear();
        Batches.Clear();
        Next.Clear();
        BatchesWritten = 0;
        OffEveryBoard = null;
    }
}

/// <summary>How a flush ended.</summary>
public enum FlushOutcome : byte
{
    /// <summary>Everything is durable and the offsets are committed.</summary>
    Durable,
    /// <summary>Another process had changed a cell: nothing but cells was written; the batches are to be applied again.</summary>
    CellConflict,
    /// <summary>Another process had published from newer cells: rows are written; the batches are to be applied again.</summary>
    ViewRefused,
}
