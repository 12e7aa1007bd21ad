using System.Globalization;
using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// The write stage: carries a flush out in the order that makes it effectively once. Cells first, for they decide what is accepted;
/// then rows, and beside them change records and the views that they announce; offsets last. Stores retry outages themselves, so a
/// call here blocks while one is away and loses nothing. Called by the deciding thread.
/// </summary>
public sealed class FlushWriter(FlushBuilder builder, PipelinePorts ports)
{
    // Batches whose rows make one insert: enough for ClickHouse to be quick, and a block of some 40 MB.
    private const int InsertBatches = 32;
    private const int LettersMax = 10_000, LetterBytes = 16 * 1024 * 1024;

    // One slice is built while two are written.
    private readonly FlushSlice[] _slices = [new(), new(), new()];
    private readonly Task<bool>[] _running = new Task<bool>[3];
    private Func<ValueTask<bool>> _meanwhile = static () => ValueTask.FromResult(false);

    /// <summary>
    /// Stores the cells, publishes the views and starts the insert of rows; <see cref="FinishAsync"/> does the rest.
    /// </summary>
    /// <param name="foldMeanwhile">Folds one batch of the next flush; false when there is none. Used where that is allowed, while a
    /// slice is being written.</param>
    public async Task<FlushOutcome> WriteAsync(Flush flush, Func<ValueTask<bool>> foldMeanwhile, CancellationToken cancel)
    {
        builder.Begin();
        _meanwhile = builder.AllowsFolding ? foldMeanwhile : static () => ValueTask.FromResult(false);
        if (!await InSlicesAsync(builder.NextCells, StoreAsync)) return FlushOutcome.CellConflict;
        flush.Rows = Task.Run(() => WriteRowsAsync(flush, cancel), cancel);
        builder.BeginViews(flush);
        if (ports.IdentityChanges is { } changes && flush.IdentityChanges.Count > 0)
            flush.Announced = Task.Run(() => changes.WriteAsync(flush.IdentityChanges, cancel), cancel);
        if (await InSlicesAsync(builder.NextViews, PublishAsync))
        {
            builder.Published();
            return FlushOutcome.Published;
        }
        await flush.Rows;
        return FlushOutcome.ViewRefused;

        async Task<bool> StoreAsync(FlushSlice slice) => (await ports.Cells.StoreAsync(slice.Cells, slice.Arena, cancel)).Count == 0;

        Task<bool> PublishAsync(FlushSlice slice) => this.PublishAsync(flush, slice, cancel);
    }

    /// <summary>Returns when all of a published flush is durable and its offsets are committed.</summary>
    public async Task FinishAsync(Flush flush, CancellationToken cancel)
    {
        await flush.Rows;
        if (flush.Mappings.Count > 0) await ports.Analytics.WriteIdentityMapAsync(flush.Mappings, cancel);
        ports.Source.Commit(flush.Next);
    }

    // False when a write was refused; then no further slice was begun, and none is under way any more.
    private async Task<bool> InSlicesAsync(Func<FlushSlice, bool> build, Func<FlushSlice, Task<bool>> write)
    {
        Array.Fill(_running, Task.FromResult(true));
        var taken = true;
        for (var i = 0; ; i = (i + 1) % _slices.Length)
        {
            taken &= await FoldUntilAsync(_running[i]);
            var slice = _slices[i];
            if (!taken || !build(slice)) break;
            _running[i] = Task.Run(() => write(slice));
        }
        foreach (var running in _running) taken &= await FoldUntilAsync(running);
        return taken;
    }

    private async Task<bool> FoldUntilAsync(Task<bool> running)
    {
        while (!running.IsCompleted && await _meanwhile()) { }
        return await running;
    }

    // Records are written before the view that they announce, so that a crash between repeats a record and never loses one.
    private async Task<bool> PublishAsync(Flush flush, FlushSlice slice, CancellationToken cancel)
    {
        if (slice.TagChanges.Count > 0) await ports.Analytics.WriteTagChangesAsync(slice.TagChanges, cancel);
        if (slice.ScoreChanges.Count > 0) await ports.Analytics.WriteScoreChangesAsync(slice.ScoreChanges, cancel);
        await flush.Announced;
        return slice.Views.Count == 0 || (await ports.Views.PublishAsync(slice.Views, slice.Arena, cancel)).Count == 0;
    }

    private async Task WriteRowsAsync(Flush flush, CancellationToken cancel)
    {
        for (var at = flush.BatchesWritten; at < flush.Batches.Count; at += InsertBatches)
        {
            var part = flush.Batches.GetRange(at, Math.Min(InsertBatches, flush.Batches.Count - at));
            if (part.Any(b => b.Count > 0)) await ports.Analytics.WriteEventsAsync(part, TokenOf(part), cancel);
        }
        await WriteLettersAsync(flush.DeadLetters, cancel);
    }

    // In parts, for a flood of large bad records must not be in memory three times over.
    private async Task WriteLettersAsync(List<DeadLetter> letters, CancellationToken cancel)
    {
        for (var (from, bytes, i) = (0, 0L, 0); i < letters.Count; i++)
        {
            bytes += letters[i].Raw.Length;
            if (bytes < LetterBytes && i - from < LettersMax && i < letters.Count - 1) continue;
            var part = letters.GetRange(from, i + 1 - from);
            await ports.DeadLetters.WriteAsync(part, cancel);
            await ports.Analytics.WriteDeadLettersAsync(part, cancel);
            (from, bytes) = (i + 1, 0);
        }
    }

    // The same batches give the same token, so that a repeated insert of the block is recognised.
    private static string TokenOf(List<EventBatch> batches)
    {
        var hash = 0UL;
        foreach (var batch in batches)
        {
            foreach (ref var record in batch.Records.Records.AsSpan(0, batch.Records.Count))
                hash = (hash * 0x9E3779B97F4A7C15) ^ record.Partition.Id ^ (ulong)record.Offset;
        }
        var first = batches[0].Records;
        var start = first.Count == 0
            ? "none"
            : string.Create(CultureInfo.InvariantCulture, $"{first.Records[0].Partition.Id:x16}-{first.Records[0].Offset}");
        return $"scrm:{start}:{hash:x16}";
    }
}
