using ScrmStream.Diagnostics;
using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// The write stage: carries a flush out in the order that makes it effectively once. Cells first, for they decide what is accepted;
/// then rows, and beside them the views with the identity map and the change records that announce them; offsets last. Stores retry outages
/// themselves, so a call here blocks while one is away and loses nothing. Called by the deciding thread.
/// </summary>
/// <remarks>
/// While a process writes alone nobody can overrule its verdicts, so rows go ahead of the cells (docs/decisions/0015).
/// </remarks>
public sealed class FlushWriter(
    FlushBuilder builder, PipelinePorts ports, RowWriter rows, TaskFactory tasks)
{
    // One slice is built, while others are announced and written.
    private readonly FlushSlice[] _slices = [new(), new(), new(), new()];
    // By slice, how its last write goes or went.
    private readonly Task<bool>[] _running = new Task<bool>[4];
    private int _slice;
    // Inserts of rows that are under way. They go on when the stages end: what they store has to be found by whoever reads again.
    private readonly List<Task> _rows = [];
    private readonly CancellationTokenSource _rowsEnd = new();
    private Func<ValueTask<bool>> _meanwhile = static () => ValueTask.FromResult(false);

    /// <summary>Starts to write the rows of all batches of a flush, ahead of its cells.</summary>
    /// <param name="whenRead">Takes each batch back as soon as it is read.</param>
    public void WriteAhead(Flush flush, Action<EventBatch> whenRead)
    {
        if (flush.Batches.Count == 0) return;
        var batches = flush.SendAhead();
        Begin(flush, () => rows.WriteAsync(batches, whenRead, _rowsEnd.Token, GoAheadAsync));
    }

    // Not for rows that are all stored already: nothing would be on its way, and those of whoever was alone before would be doubtful.
    private async Task GoAheadAsync()
    {
        if (!await ports.Views.GoAheadAsync(_rowsEnd.Token)) throw new NoLongerAloneException();
    }

    /// <summary>Returns when no insert is under way any more, however it ended. Nothing may be written beside it or afterwards.</summary>
    /// <param name="cancel">Gives up those that wait.</param>
    public async Task EndAsync(CancellationToken cancel)
    {
        await using var giveUp = cancel.Register(_rowsEnd.Cancel);
        await Task.WhenAll(_rows).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    private void Begin(Flush flush, Func<Task> write)
    {
        _rows.RemoveAll(insert => insert.IsCompleted);
        _rows.Add(tasks.StartNew(write).Unwrap());
        flush.Rows.Add(_rows[^1]);
    }

    /// <summary>
    /// Stores the cells, publishes the views and starts the insert of rows; <see cref="FinishAsync"/> does the rest.
    /// </summary>
    /// <param name="foldMeanwhile">Folds one batch of the next flush; false when there is none. Used where that is allowed, while a
    /// slice is being written.</param>
    public async Task<FlushOutcome> WriteAsync(Flush flush, Func<ValueTask<bool>> foldMeanwhile, CancellationToken cancel)
    {
        Array.Fill(_running, Task.FromResult(true));
        builder.Begin();
        _meanwhile = builder.AllowsFolding ? foldMeanwhile : static () => ValueTask.FromResult(false);
        await InSlicesAsync(builder.NextCells, StoreAsync);
        var stored = AllTaken();
        // While nobody else writes, the first views may be built before the last cells are stored.
        if (!builder.AllowsFolding && !await stored) return FlushOutcome.CellConflict;
        var rest = flush.Batches.GetRange(flush.BatchesWritten, flush.Batches.Count - flush.BatchesWritten);
        if (rest.Count > 0) Begin(flush, async () => { if (await stored) await rows.WriteAsync(rest, null, _rowsEnd.Token); });
        builder.BeginViews();
        await InSlicesAsync(builder.NextViews, async slice => await stored && await PublishAsync(slice, cancel));
        var published = await FoldUntilAsync(AllTaken());
        if (!await stored) return FlushOutcome.CellConflict;
        if (published)
        {
            builder.Published();
            return FlushOutcome.Published;
        }
        await Task.WhenAll(flush.Rows);
        return FlushOutcome.ViewRefused;

        async Task<bool> StoreAsync(FlushSlice slice)
        {
            await Failpoints.PassAsync(Failpoint.StoreBefore);
            while ((await ports.Cells.StoreAsync(slice.Cells, slice.Arena, cancel)).Count > 0)
                if (!IsStillAlone) return false;
            await Failpoints.PassAsync(Failpoint.StoreAfter);
            return true;
        }
    }

    /// <summary>Returns when all of a published flush is durable and its offsets are committed.</summary>
    public async Task FinishAsync(Flush flush, CancellationToken cancel)
    {
        await Task.WhenAll(flush.Rows);
        await Failpoints.PassAsync(Failpoint.CommitBefore);
        ports.Source.Commit(flush.Next);
        await Failpoints.PassAsync(Failpoint.CommitAfter);
    }

    // Refused and yet alone: a call without an answer renewed the epoch, and others came too late for the old one. Nobody else has
    // written, so the same write is right.
    private bool IsStillAlone => builder.AllowsFolding && ports.Views.IsSoleWriter;

    // Ends with the last slices under way, or when a write was refused: then no further slice is begun.
    private async Task InSlicesAsync(Func<FlushSlice, bool> build, Func<FlushSlice, Task<bool>> write)
    {
        for (; ; _slice = (_slice + 1) % _slices.Length)
        {
            var slice = _slices[_slice];
            if (!await FoldUntilAsync(_running[_slice]) || !build(slice)) return;
            _running[_slice] = tasks.StartNew(() => write(slice)).Unwrap();
        }
    }

    // What has been begun; true when nothing of it was refused.
    private Task<bool> AllTaken()
    {
        return Of([.. _running]);

        static async Task<bool> Of(Task<bool>[] running) => !(await Task.WhenAll(running)).Contains(false);
    }

    private async Task<bool> FoldUntilAsync(Task<bool> running)
    {
        while (!running.IsCompleted && (builder.ResolveSome() || await _meanwhile())) { }
        return await running;
    }

    // Records are written before the view that they announce, so that a crash between repeats a record and never loses one.
    private async Task<bool> PublishAsync(FlushSlice slice, CancellationToken cancel)
    {
        await Failpoints.PassAsync(Failpoint.AnnounceBefore);
        await Task.WhenAll(Announcements(slice, cancel));
        await Failpoints.PassAsync(Failpoint.AnnounceAfter);
        while (slice.Views.Count > 0 && (await ports.Views.PublishAsync(slice.Views, slice.Arena, cancel)).Count > 0)
            if (!IsStillAlone) return false;
        await Failpoints.PassAsync(Failpoint.PublishAfter);
        return true;
    }

    private IEnumerable<Task> Announcements(FlushSlice slice, CancellationToken cancel)
    {
        if (slice.Mappings.Count > 0) yield return ports.Analytics.WriteIdentityMapAsync(slice.Mappings, cancel);
        if (slice.IdentityChanges.Count > 0 && ports.IdentityChanges is { } topic)
            yield return topic.WriteAsync(slice.IdentityChanges, cancel);
        if (slice.TagChanges.Count > 0) yield return ports.Analytics.WriteTagChangesAsync(slice.TagChanges, cancel);
        if (slice.Actions.Count > 0) yield return ports.Analytics.WriteActionsAsync(slice.Actions, cancel);
        if (slice.ScoreChanges.Count > 0) yield return ports.Analytics.WriteScoreChangesAsync(slice.ScoreChanges, cancel);
        if (slice.Leads.Count > 0) yield return ports.Analytics.WriteLeadsAsync(slice.Leads, cancel);
    }
}
