using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// The write stage: carries a flush out in the order that makes it effectively once. Cells first, for they decide what is accepted;
/// then rows, and beside them the identity map, change records and the views that they announce; offsets last. Stores retry outages
/// themselves, so a call here blocks while one is away and loses nothing. Called by the deciding thread.
/// </summary>
/// <remarks>
/// While a process writes alone nobody can overrule its verdicts, so rows go ahead of the cells (docs/decisions/0015).
/// </remarks>
public sealed class FlushWriter(FlushBuilder builder, PipelinePorts ports, PipelineOptions options)
{
    private readonly RowWriter _rows = new(ports.Analytics, ports.DeadLetters, options.InsertBatches);
    // One slice is built while two are written.
    private readonly FlushSlice[] _slices = [new(), new(), new()];
    private readonly Task<bool>[] _running = new Task<bool>[3];
    private Func<ValueTask<bool>> _meanwhile = static () => ValueTask.FromResult(false);

    /// <summary>Starts to write the rows of all batches of a flush, ahead of its cells.</summary>
    /// <param name="whenRead">Takes each batch back as soon as it is read.</param>
    public void WriteAhead(Flush flush, Action<EventBatch> whenRead, CancellationToken cancel)
    {
        if (flush.Batches.Count == 0) return;
        var batches = flush.SendAhead();
        flush.Rows.Add(Task.Run(() => _rows.WriteAsync(batches, whenRead, cancel), cancel));
    }

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
        var rest = flush.Batches.GetRange(flush.BatchesWritten, flush.Batches.Count - flush.BatchesWritten);
        flush.Rows.Add(Task.Run(() => _rows.WriteAsync(rest, whenRead: null, cancel), cancel));
        builder.BeginMappings();
        await InSlicesAsync(builder.NextMappings, AnnounceAsync);
        builder.BeginViews();
        if (await InSlicesAsync(builder.NextViews, PublishAsync))
        {
            builder.Published();
            return FlushOutcome.Published;
        }
        await Task.WhenAll(flush.Rows);
        return FlushOutcome.ViewRefused;

        async Task<bool> StoreAsync(FlushSlice slice)
        {
            while ((await ports.Cells.StoreAsync(slice.Cells, slice.Arena, cancel)).Count > 0)
                if (!IsStillAlone) return false;
            return true;
        }

        Task<bool> AnnounceAsync(FlushSlice slice) => this.AnnounceAsync(slice, cancel);

        Task<bool> PublishAsync(FlushSlice slice) => this.PublishAsync(slice, cancel);
    }

    /// <summary>Returns when all of a published flush is durable and its offsets are committed.</summary>
    public async Task FinishAsync(Flush flush, CancellationToken cancel)
    {
        await Task.WhenAll(flush.Rows);
        ports.Source.Commit(flush.Next);
    }

    // Refused and yet alone: a call without an answer renewed the epoch, and others came too late for the old one. Nobody else has
    // written, so the same write is right.
    private bool IsStillAlone => builder.AllowsFolding && ports.Views.IsSoleWriter;

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

    private async Task<bool> AnnounceAsync(FlushSlice slice, CancellationToken cancel)
    {
        var announced = slice.IdentityChanges.Count > 0 ? ports.IdentityChanges?.WriteAsync(slice.IdentityChanges, cancel) : null;
        await ports.Analytics.WriteIdentityMapAsync(slice.Mappings, cancel);
        await (announced ?? Task.CompletedTask);
        return true;
    }

    // Records are written before the view that they announce, so that a crash between repeats a record and never loses one.
    private async Task<bool> PublishAsync(FlushSlice slice, CancellationToken cancel)
    {
        if (slice.TagChanges.Count > 0) await ports.Analytics.WriteTagChangesAsync(slice.TagChanges, cancel);
        if (slice.ScoreChanges.Count > 0) await ports.Analytics.WriteScoreChangesAsync(slice.ScoreChanges, cancel);
        if (slice.Leads.Count > 0) await ports.Analytics.WriteLeadsAsync(slice.Leads, cancel);
        while (slice.Views.Count > 0 && (await ports.Views.PublishAsync(slice.Views, slice.Arena, cancel)).Count > 0)
            if (!IsStillAlone) return false;
        return true;
    }
}
