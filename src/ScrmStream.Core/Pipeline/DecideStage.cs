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
    FlushWriter writer, BatchPool pool, PipelineCounters counters, PipelineOptions options, TimeProvider time)
{
    // A hot anchor's ring grows with what is not committed; beyond this many entries a flush is due at once.
    private const int RingEntriesMax = 4096;

    private readonly List<EventBatch> _open = [];
    private Flush _flush = new(), _spare = new();
    // The rest of the flush published last: rows, identity map, offsets.
    private Task? _finishing;
    private int _openEvents, _openWritten, _lane, _conflictsInRow;
    private long _openSince;
    private bool _republish;

    public async Task RunAsync(CancellationToken cancel)
    {
        while (await FillAsync(cancel))
        {
            if (prefetch.Count > 0) Fold(await prefetch.NextAsync(cancel), publishAll: false);
            if (_finishing is { IsCompleted: true }) await SettleAsync();
            if (IsFlushDue()) await FlushAsync(cancel);
            if (state.Count > options.IdentifiersInMemoryMax) await ForgetAsync(cancel);
        }
        await FinishAsync(cancel);
    }

    // Asks ahead for as many batches as may be asked for. False when there is no more input.
    private async ValueTask<bool> FillAsync(CancellationToken cancel)
    {
        while (prefetch.Count < options.PrefetchBatches && lanes[_lane].TryRead(out var batch)) StartBatch(batch, cancel);
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

    private void Fold(EventBatch batch, bool publishAll)
    {
        if (_open.Count == 0) _openSince = time.GetTimestamp();
        folder.Fold(batch, publishAll || _republish);
        _open.Add(batch);
        _openEvents += batch.Count;
        counters.SetIdentifiers(state.Count);
    }

    private bool IsFlushDue()
    {
        if (_open.Count == 0) return false;
        if (_openEvents >= options.FlushEventsMax || folder.LargestRing >= RingEntriesMax || _republish) return true;
        // Most of the batches wait for a flush: the others keep poll and decode going until it is done.
        if (_open.Count >= options.BatchesInFlightMax * 3 / 4) return true;
        if (_finishing is not null) return false;
        var hasBacklog = prefetch.Count > 0 || lanes[_lane].TryPeek(out _);
        return time.GetElapsedTime(_openSince) >= (hasBacklog ? options.FlushIntervalUnderBacklog : options.FlushInterval);
    }

    private async Task FlushAsync(CancellationToken cancel)
    {
        await SettleAsync();
        if (_open.Count == 0) return;
        (_flush, _spare) = (_spare, _flush);
        _flush.Begin(_open, _openWritten);
        var outcome = await writer.WriteAsync(_flush, cancel);
        if (outcome != FlushOutcome.Published)
        {
            await RewindAsync(outcome, cancel);
            return;
        }
        _conflictsInRow = 0;
        ClearOpen();
        _finishing = writer.FinishAsync(_flush, cancel);
    }

    private void ClearOpen()
    {
        _open.Clear();
        (_openEvents, _openWritten, _republish) = (0, 0, false);
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
        if (++_conflictsInRow > 3)
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(10 << Math.Min(_conflictsInRow, 8), 2000)), time, cancel);
        var written = outcome == FlushOutcome.ViewRefused ? _open.Count : _openWritten;
        List<EventBatch> again = [.. _open];
        ClearOpen();
        var ahead = await prefetch.AbandonAsync();
        state.Clear();
        foreach (var batch in again)
        {
            prefetch.Start(batch, cancel);
            Fold(await prefetch.NextAsync(cancel), publishAll: true);
        }
        foreach (var batch in ahead) prefetch.Start(batch, cancel);
        (_openWritten, _republish) = (written, true);
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

    private async Task FinishAsync(CancellationToken cancel)
    {
        while (prefetch.Count > 0) Fold(await prefetch.NextAsync(cancel), publishAll: false);
        await FlushAllAsync(cancel);
    }
}
