using System.Threading.Channels;
using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// The one thread of decision. It asks for cells ahead, folds batches in order, and flushes: it builds the slices that the write stage
/// stores, and folds on while rows are still on their way. When another process was faster, it forgets its cache and applies again
/// what is not durable yet.
/// </summary>
public sealed class DecideStage(
    ChannelReader<EventBatch>[] lanes, CustomerState state, CellPrefetch prefetch, EventFolder folder, ShardHistory history,
    FlushWriter writer, BatchPool pool, PipelineCounters counters, ConflictBackOff backOff,
    PipelineOptions options, TimeProvider time)
{
    // A hot anchor's ring grows with what is not committed; beyond this many entries a flush is due at once.
    private const int RingEntriesMax = 4096;

    // While conflicts come, flushes get smaller down to this: a small one is over before the other process comes to the same customers.
    private const int FlushEventsMin = 4096;

    private readonly List<EventBatch> _open = [];
    // After a conflict: what is to be applied again, oldest first.
    private readonly Queue<EventBatch> _again = new();
    private Flush _flush = new(), _spare = new();
    // The rest of the flush published last: rows, identity map, offsets.
    private Task? _finishing;
    private int _openEvents, _openWritten, _lane, _conflictsInRow;
    private int _flushEventsMax = options.FlushEventsMax;
    // Batches that come next out of the prefetch and were applied before; and how many of these, from the first on, have their rows.
    private int _againLeft, _againWritten;
    private long _openSince;
    private long _attemptSince = time.GetTimestamp();

    public async Task RunAsync(CancellationToken cancel)
    {
        while (await FillAsync(cancel))
        {
            if (prefetch.Count > 0) Fold(await prefetch.NextAsync(cancel));
            if (_finishing is { IsCompleted: true }) await SettleAsync();
            if (IsFlushDue()) await FlushAsync(cancel);
            if (state.Count > options.IdentifiersInMemoryMax) await ForgetAsync(cancel);
        }
        await FinishAsync(cancel);
    }

    // While slices are written there is time to fold on; what is folded belongs to the next flush.
    private async ValueTask<bool> FoldMeanwhileAsync(CancellationToken cancel)
    {
        AskAhead(cancel);
        if (prefetch.Count == 0) return false;
        Fold(await prefetch.NextAsync(cancel));
        return true;
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
        var more = lanes[_lane].WaitToReadAsync(cancel).AsTask();
        if (!more.IsCompleted) await WaitAsync(more, cancel);
        return !more.IsCompleted || await more;
    }

    private void StartBatch(EventBatch batch, CancellationToken cancel)
    {
        prefetch.Start(batch, cancel);
        _lane = (_lane + 1) % lanes.Length;
    }

    // Nothing to read: wake for input, for the flush in flight, or when what is open is due.
    private async Task WaitAsync(Task more, CancellationToken cancel)
    {
        var wait = _open.Count > 0 ? options.FlushInterval - time.GetElapsedTime(_openSince) : TimeSpan.FromSeconds(1);
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var due = Task.Delay(wait > TimeSpan.Zero ? wait : TimeSpan.FromMilliseconds(1), time, timer.Token);
        await Task.WhenAny(more, due, _finishing ?? due);
        await timer.CancelAsync();
    }

    private void Fold(EventBatch batch)
    {
        if (_open.Count == 0) _openSince = time.GetTimestamp();
        var isAgain = _againLeft > 0;
        if (isAgain) _againLeft--;
        if (_againWritten > 0) (_againWritten, _openWritten) = (_againWritten - 1, _openWritten + 1);
        folder.Fold(batch, publishAll: isAgain);
        _open.Add(batch);
        _openEvents += batch.Count;
        counters.SetIdentifiers(state.Count);
    }

    private bool IsFlushDue()
    {
        if (_open.Count == 0) return false;
        if (_openEvents >= _flushEventsMax || folder.LargestRing >= RingEntriesMax) return true;
        // Most of the batches wait for a flush: the others keep poll and decode going until it is done.
        if (_open.Count >= options.BatchesInFlightMax * 3 / 4) return true;
        if (_finishing is not null) return false;
        var hasBacklog = prefetch.Count > 0 || _again.Count > 0 || lanes[_lane].TryPeek(out _);
        return time.GetElapsedTime(_openSince) >= (hasBacklog ? options.FlushIntervalUnderBacklog : options.FlushInterval);
    }

    private async Task FlushAsync(CancellationToken cancel)
    {
        await SettleAsync();
        if (_open.Count == 0) return;
        await prefetch.CompleteAsync(cancel);
        (_flush, _spare) = (_spare, _flush);
        _flush.Begin(_open, _openWritten);
        ClearOpen();
        var outcome = await writer.WriteAsync(_flush, () => FoldMeanwhileAsync(cancel), cancel);
        if (outcome != FlushOutcome.Published)
        {
            await RewindAsync(outcome, cancel);
            return;
        }
        _conflictsInRow = 0;
        _attemptSince = time.GetTimestamp();
        _flushEventsMax = Math.Min(_flushEventsMax * 2, options.FlushEventsMax);
        _finishing = writer.FinishAsync(_flush, cancel);
    }

    private void ClearOpen()
    {
        _open.Clear();
        (_openEvents, _openWritten) = (0, 0);
        folder.ResetRing();
    }

    // Waits until the flush published last is durable, and gives its batches back.
    private async Task SettleAsync()
    {
        if (_finishing is null) return;
        await _finishing;
        _finishing = null;
        counters.AddDurable(_flush);
        foreach (var next in _flush.Next) history.Committed(next.Partition.Id, next.Offset);
        foreach (var batch in _flush.Batches) pool.Return(batch);
    }

    /// <summary>
    /// Another process changed what this one had cached. All that is not durable is applied again on freshly read cells, in order;
    /// fences skip what was stored, and everything concerned is published, for a change once found stands through the retry.
    /// </summary>
    private async Task RewindAsync(FlushOutcome outcome, CancellationToken cancel)
    {
        if (outcome == FlushOutcome.CellConflict) counters.AddConflict();
        else counters.AddRefusal();
        _flushEventsMax = Math.Max(_flushEventsMax / 4, Math.Min(FlushEventsMin, options.FlushEventsMax));
        var written = outcome == FlushOutcome.ViewRefused ? _flush.Batches.Count : _flush.BatchesWritten;
        _againWritten += written + _openWritten;
        EventBatch[] again = [.. _flush.Batches, .. _open, .. await prefetch.AbandonAsync(), .. _again];
        _againLeft = again.Length;
        _again.Clear();
        foreach (var batch in again) _again.Enqueue(batch);
        ClearOpen();
        state.Clear();
        if (++_conflictsInRow > 1) await Task.Delay(backOff.Next(_conflictsInRow, time.GetElapsedTime(_attemptSince)), time, cancel);
        _attemptSince = time.GetTimestamp();
    }

    // Empties memory; the batches asked for ahead are asked for again.
    private async Task ForgetAsync(CancellationToken cancel)
    {
        await FlushAllAsync(cancel);
        var ahead = await prefetch.AbandonAsync();
        state.Clear();
        foreach (var batch in ahead) prefetch.Start(batch, cancel);
    }

    private async Task FlushAllAsync(CancellationToken cancel)
    {
        while (_open.Count > 0) await FlushAsync(cancel);
        await SettleAsync();
    }

    // A conflict of the last flush brings its batches back.
    private async Task FinishAsync(CancellationToken cancel)
    {
        do
        {
            while (await FoldMeanwhileAsync(cancel))
                if (IsFlushDue()) await FlushAsync(cancel);
            await FlushAllAsync(cancel);
        }
        while (_again.Count > 0);
    }
}
