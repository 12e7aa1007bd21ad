using System.Threading.Channels;
using ScrmStream.Diagnostics;
using ScrmStream.Events;
using ScrmStream.Pipeline.Reload;
using ScrmStream.Pipeline.Timers;

namespace ScrmStream.Pipeline;

/// <summary>
/// The one thread of decision. It asks for cells ahead, folds batches in order, and flushes: it builds the slices that the write stage
/// stores, and folds on while rows are still on their way. When another process was faster, it forgets its cache and applies again
/// what is not durable yet.
/// </summary>
public sealed class DecideStage(
    ChannelReader<EventBatch>[] lanes, PollStage poll, CustomerState state, CellPrefetch prefetch, EventFolder folder,
    ShardHistory history, FlushWriter writer, CustomerPublisher publisher, BatchPool pool, PipelineCounters counters, WriteTurn turn,
    ConflictBackOff backOff, PipelineOptions options, TimeProvider time, CustomerTimers? timers = null, RuleFollower? follower = null)
{
    // Inserts under way ahead of their cells; each holds a block of some 40 MB.
    private const int InsertsAheadMax = 1;

    // A hot anchor's ring grows with what is not committed; beyond this many entries a flush is due at once.
    private const int RingEntriesMax = 4096;

    // While conflicts come, flushes get smaller down to this: a small one is over before the other process comes to the same customers.
    private const int FlushEventsMin = 4096;

    // From so many events on a flush collects garbage first. State that grew by doubling left large arrays behind, which the collector
    // looks for only when memory is short, and a flush needs some hundred megabytes more. It comes once in many seconds at most.
    private const int CollectEventsMin = 1_000_000;

    // So many conflicts of one flush are met with turns; what comes after is left to chance.
    private const int ConflictsInTurnMax = 8;

    private static readonly TimeSpan LeastWait = TimeSpan.FromMilliseconds(1);

    // After a conflict: what is to be applied again, oldest first.
    private readonly Queue<EventBatch> _again = new();
    // What is being folded, and what is being written or was written last.
    private Flush _open = new(), _written = new();
    // The rest of the flush written last: rows and offsets.
    private Task? _finishing;
    private int _lane, _conflictsInRow;
    // The next flush is to be made in this process's turn from the beginning.
    private bool _needsTurn;
    private int _flushEventsMax = options.FlushEventsMax;
    // Batches that come next out of the prefetch and were applied before; and how many of these, from the first on, have their rows.
    private int _againLeft, _againWritten;
    private readonly FlushPace _pace = new(options, time);
    private long _attemptSince = time.GetTimestamp();

    public async Task RunAsync(CancellationToken cancel)
    {
        while (await FillAsync(cancel))
        {
            if (prefetch.Count > 0) await FoldOneAsync(cancel);
            await Failpoints.PassAsync(Failpoint.FoldAfter);
            WriteAhead();
            if (_finishing is { IsCompleted: true }) await SettleAsync();
            if (follower is not null) await FollowAsync(follower, cancel);
            if (IsFlushDue() || IsTimeToLook || follower?.Sweep is { IsFlushDue: true }) await FlushAsync(cancel);
            if (state.Count > options.IdentifiersInMemoryMax || timers is { MetStale: true } || follower?.Sweep is { MetStale: true })
                await ForgetAsync(cancel);
        }
        follower?.Abandon();
        await FinishAsync(cancel);
    }

    /// <inheritdoc cref="FlushWriter.EndAsync"/>
    public Task EndAsync(CancellationToken cancel) => writer.EndAsync(cancel);

    // While slices are written there is time to fold on; what is folded belongs to the next flush, and is no more than that takes.
    private ValueTask<bool> FoldMeanwhileAsync(CancellationToken cancel) =>
        IsFull ? ValueTask.FromResult(false) : FoldNextAsync(cancel);

    private async ValueTask<bool> FoldNextAsync(CancellationToken cancel)
    {
        AskAhead(cancel);
        if (prefetch.Count == 0) return false;
        await FoldOneAsync(cancel);
        WriteAhead();
        return true;
    }

    private async ValueTask FoldOneAsync(CancellationToken cancel)
    {
        if (_needsTurn && _open.IsEmpty && !turn.IsHeld) await BeginInTurnAsync(cancel);
        Fold(await prefetch.NextAsync(cancel));
    }

    // Among processes that meet in every flush, what is read and folded before one's turn is read and folded in vain.
    private async ValueTask BeginInTurnAsync(CancellationToken cancel)
    {
        _needsTurn = !publisher.IsAlone && await turn.TakeAsync(cancel);
        if (!_needsTurn || !turn.WasTaken) return;
        var ahead = await prefetch.AbandonAsync();
        state.Clear();
        foreach (var batch in ahead) prefetch.Start(batch, cancel);
    }

    private void AskAhead(CancellationToken cancel)
    {
        while (prefetch.Count < options.PrefetchBatches)
        {
            if (_again.TryDequeue(out var batch)) prefetch.Start(batch, cancel);
            else if (lanes[_lane].TryRead(out batch)) StartBatch(batch, cancel);
            else return;
        }
    }

    // Asks ahead for as many batches as may be asked for. False when there is no more input.
    private async ValueTask<bool> FillAsync(CancellationToken cancel)
    {
        AskAhead(cancel);
        if (prefetch.Count > 0) return true;
        var more = MoreAsync(cancel);
        if (!more.IsCompleted && follower?.Sweep?.IsStepDue(isBusy: false) != true) await WaitAsync(more, cancel);
        return !more.IsCompleted || await more;
    }

    // A task of its own, for the channel's would be completed on a thread of the pool.
    private async Task<bool> MoreAsync(CancellationToken cancel) => await lanes[_lane].WaitToReadAsync(cancel);

    private void StartBatch(EventBatch batch, CancellationToken cancel)
    {
        prefetch.Start(batch, cancel);
        _lane = (_lane + 1) % lanes.Length;
    }

    // Nothing to read: wake for input, for the flush or the inserts in flight, or when what is open is due.
    private async Task WaitAsync(Task more, CancellationToken cancel)
    {
        var idle = timers is null ? TimeSpan.FromSeconds(1) : CustomerTimers.LookInterval;
        if (follower?.WaitMax < idle) idle = follower.WaitMax;
        var wait = _open.IsEmpty ? idle : _pace.Left;
        if (wait > idle) wait = idle;
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        // A delay of less than that is none: the loop would turn without a pause until the time has passed.
        var due = Task.Delay(wait > LeastWait ? wait : LeastWait, time, timer.Token);
        await Task.WhenAny([more, due, _finishing ?? due, .. InsertsAhead()]);
        timer.Cancel();
    }

    private void Fold(EventBatch batch)
    {
        if (_open.IsEmpty) _pace.Open();
        _pace.Note(batch.Records);
        var (isAgain, isWritten) = (_againLeft > 0, _againWritten > 0);
        if (isAgain) _againLeft--;
        if (isWritten) _againWritten--;
        // In this order: should the epoch change in between, more is taken for doubtful than is.
        batch.Epoch = RowEpoch.Of(publisher.Epoch, publisher.IsAlone);
        batch.AheadBefore = publisher.AheadBefore;
        var repeats = folder.Counts.Repeats;
        folder.Fold(batch, publishAll: isAgain);
        // Applied again after a conflict they are repeats of this very process.
        if (!isAgain) counters.AddRepeats(folder.Counts.Repeats - repeats);
        counters.Books.Folded(batch);
        timers?.Applied(batch);
        _open.Add(batch, isWritten);
        NoteState();
    }

    // While nobody else writes no verdict can be overruled: rows need not wait for their cells, and the batches are free for others.
    private void WriteAhead()
    {
        // What is refused for good is to be known before more goes the same way.
        if (_open.Rows.Find(insert => insert.IsFaulted) is { } refused) refused.GetAwaiter().GetResult();
        if (_open.Batches.Count < options.InsertBatches || !publisher.IsAlone || InsertsAhead().Count() >= InsertsAheadMax) return;
        writer.WriteAhead(_open, pool.Return);
    }

    private IEnumerable<Task> InsertsAhead() => _open.Rows.Concat(_written.Rows).Where(insert => !insert.IsCompleted);

    private bool IsFull => _open.Events >= _flushEventsMax || folder.LargestRing >= RingEntriesMax;

    // Nothing happens, but time passes.
    private bool IsTimeToLook => timers is { IsLookDue: true } && _open.IsEmpty && _finishing is null;

    private bool IsFlushDue()
    {
        if (_open.IsEmpty) return false;
        // Others wait while this process has the turn.
        if (IsFull || turn.IsHeld && prefetch.Count == 0) return true;
        // Most of the batches wait for a flush: the others keep poll and decode going until it is done.
        if (_open.Batches.Count >= options.BatchesInFlightMax * 3 / 4 && !InsertsAhead().Any()) return true;
        if (_finishing is not null) return false;
        return _pace.IsDue(hasBacklog: poll.IsBehind || prefetch.Count > 0 || _again.Count > 0 || lanes[_lane].TryPeek(out _));
    }

    private async Task FlushAsync(CancellationToken cancel)
    {
        await SettleAsync();
        if (timers is not null) await timers.WakeAsync(prefetch, cancel);
        if (_open.IsEmpty && state.Changed.IsEmpty)
        {
            follower?.Sweep?.Stored();
            return;
        }
        await Failpoints.PassAsync(Failpoint.FlushBefore);
        await prefetch.CompleteAsync(cancel);
        if (!publisher.IsAlone) await turn.LetOthersAsync(cancel);
        if (_open.WentAhead) writer.WriteAhead(_open, pool.Return);
        (_open, _written) = (_written, _open);
        ClearOpen();
        if (_written.Events >= CollectEventsMin) GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: false);
        var outcome = await writer.WriteAsync(_written, () => FoldMeanwhileAsync(cancel), cancel);
        if (outcome != FlushOutcome.Published)
        {
            if (follower is { AreOver: true }) throw new RulesChangedException();
            if (_written.WentAhead || _open.WentAhead) throw new NoLongerAloneException();
            await RewindAsync(outcome, cancel);
            return;
        }
        // Who took it while nobody else had it may do without the next time.
        _needsTurn = turn.IsHeld && (turn.WasTaken || _conflictsInRow > 0);
        await turn.EndAsync(cancel);
        follower?.Sweep?.Stored();
        _conflictsInRow = 0;
        _attemptSince = time.GetTimestamp();
        _flushEventsMax = Math.Min(_flushEventsMax * 2, options.FlushEventsMax);
        _finishing = writer.FinishAsync(_written, cancel);
    }

    // Rules that others have put in force are taken at once; customers follow those in force while the stream goes on.
    private async ValueTask FollowAsync(RuleFollower rules, CancellationToken cancel)
    {
        if (rules.IsLookDue && await rules.LookAsync(cancel))
        {
            await SettleAsync();
            throw new RulesChangedException();
        }
        if (rules.Sweep is not { } sweep || !sweep.IsStepDue(isBusy: prefetch.Count > 0)) return;
        if (!sweep.NeedsQuiet)
        {
            await sweep.StepAsync(cancel);
            return;
        }
        await FlushAllAsync(cancel);
        if (_again.Count == 0) await sweep.RunQuietAsync(cancel);
    }

    private void ClearOpen()
    {
        _open.Clear();
        folder.ResetRing();
    }

    // Waits until the flush published last is durable, and gives its batches back.
    private async Task SettleAsync()
    {
        if (_finishing is null) return;
        await _finishing;
        _finishing = null;
        counters.AddDurable(_written);
        foreach (var next in _written.Next) history.Committed(next.Partition.Id, next.Offset);
        foreach (var batch in _written.Batches) pool.Return(batch);
        _written.Clear();
        NoteState();
    }

    private void NoteState() => counters.SetState(state.Count, _open.Events + _written.Events);

    /// <summary>
    /// Another process changed what this one had cached. All that is not durable is applied again on freshly read cells, in order;
    /// fences skip what was stored, and everything concerned is published, for a change once found stands through the retry.
    /// </summary>
    private async Task RewindAsync(FlushOutcome outcome, CancellationToken cancel)
    {
        await Failpoints.PassAsync(Failpoint.RewindBefore);
        if (outcome == FlushOutcome.CellConflict) counters.AddConflict();
        else counters.AddRefusal();
        counters.Books.TakenBack(_written.Tally);
        counters.Books.TakenBack(_open.Tally);
        _flushEventsMax = Math.Max(
            Math.Min(_flushEventsMax, _written.Events) / 4, Math.Min(FlushEventsMin, options.FlushEventsMax));
        var written = outcome == FlushOutcome.ViewRefused ? _written.Batches.Count : _written.BatchesWritten;
        _againWritten += written + _open.BatchesWritten;
        EventBatch[] again = [.. _written.Batches, .. _open.Batches, .. await prefetch.AbandonAsync(), .. _again];
        _againLeft = again.Length;
        _again.Clear();
        foreach (var batch in again) _again.Enqueue(batch);
        ClearOpen();
        state.Clear();
        _conflictsInRow++;
        await WaitForTurnAsync(isWorkLeft: again.Length > 0, time.GetElapsedTime(_attemptSince), cancel);
        _attemptSince = time.GetTimestamp();
    }

    // A conflict is tried again at once where they are rare, and in its turn where one follows the other. In the turn itself it meets only
    // who was in the middle of a flush; whoever meets more than these is among processes that take no turns, and leaves it to chance.
    private async ValueTask WaitForTurnAsync(bool isWorkLeft, TimeSpan attempt, CancellationToken cancel)
    {
        if (_conflictsInRow == 1) return;
        var isByChance = !isWorkLeft || _conflictsInRow > ConflictsInTurnMax;
        if (isByChance) await turn.EndAsync(cancel);
        if (isByChance || !await turn.TakeAsync(cancel)) await Task.Delay(backOff.Next(_conflictsInRow, attempt), time, cancel);
    }

    // Empties memory; the batches asked for ahead are asked for again.
    private async Task ForgetAsync(CancellationToken cancel)
    {
        await FlushAllAsync(cancel);
        // What a sweep has marked: it would be marked again, but forgotten again too, where memory is small.
        if (follower?.Sweep is { MetStale: false } && !state.Changed.IsEmpty) await FlushAsync(cancel);
        var ahead = await prefetch.AbandonAsync();
        state.Clear();
        foreach (var batch in ahead) prefetch.Start(batch, cancel);
    }

    private async Task FlushAllAsync(CancellationToken cancel)
    {
        while (!_open.IsEmpty) await FlushAsync(cancel);
        await SettleAsync();
    }

    // A conflict of the last flush brings its batches back.
    private async Task FinishAsync(CancellationToken cancel)
    {
        await Failpoints.PassAsync(Failpoint.StopBefore);
        do
        {
            while (await FoldNextAsync(cancel))
                if (IsFlushDue()) await FlushAsync(cancel);
            await FlushAllAsync(cancel);
        }
        while (_again.Count > 0 || await LetTimeEndAsync(cancel));
        if (timers is not null) await timers.LeaveAsync(cancel);
    }

    // At the end of everything that there is to read: publishes who is due by the greatest time met. False when nobody is.
    private async ValueTask<bool> LetTimeEndAsync(CancellationToken cancel)
    {
        if (timers is null) return false;
        if (poll.Ended) timers.EndAtMaximum();
        if (!timers.IsEnding) return false;
        var (woken, timeMs) = (timers.Woken, timers.WatermarkMs);
        await FlushAsync(cancel);
        await SettleAsync();
        // What is stored and not known here is found one look after time has come to it.
        if (!timers.MetStale) return timers.Woken > woken || timers.WatermarkMs > timeMs;
        await ForgetAsync(cancel);
        return true;
    }
}

/// <summary>What is not committed is to be read again, by stages that are made anew.</summary>
internal abstract class StartOverException(string message) : Exception(message);

/// <summary>
/// Another process began to write while rows of this one were ahead of their cells: what is not committed is to be read and judged again.
/// </summary>
internal sealed class NoLongerAloneException()
    : StartOverException("Another process writes this namespace too; what is not committed is read again.");

/// <summary>Other rules are in force: what is not committed is folded again by them.</summary>
internal sealed class RulesChangedException() : StartOverException("Other rules are in force; what is not committed is read again.");
