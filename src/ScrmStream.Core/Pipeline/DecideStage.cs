using System.Threading.Channels;
using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// The one thread of decision. It asks for cells ahead, folds batches in order, and hands flushes to the write stage, one at a
/// time, while it folds on. When another process was faster, it forgets its cache and applies again what is not durable yet.
/// </summary>
public sealed class DecideStage(
    ChannelReader<EventBatch>[] lanes, CustomerState state, CellPrefetch prefetch, EventFolder folder, ShardHistory history,
    FlushBuilder builder, FlushWriter writer, BatchPool pool, PipelineCounters counters, PipelineOptions options, TimeProvider time)
{
    // A hot anchor's ring grows with what is not committed; beyond this many entries a flush is due at once.
    private const int RingEntriesMax = 4096;

    private readonly List<EventBatch> _open = [];
    private FlushJob _job = new(), _spare = new();
    private Task<FlushOutcome>? _inFlight;
    private int _openEvents, _openWritten, _lane, _conflictsInRow;
    private long _openSince;
    private bool _republish;

    public async Task RunAsync(CancellationToken cancel)
    {
        while (await FillAsync(cancel))
        {
            if (prefetch.Count > 0) Fold(await prefetch.NextAsync(cancel), publishAll: false);
            if (_inFlight is { IsCompleted: true }) await SettleAsync(cancel);
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
        await Task.WhenAny(more, due, _inFlight ?? due);
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
        // Half of the batches wait for a flush: the poll stage must not run dry before this one is done.
        if (_open.Count >= options.BatchesInFlightMax / 2) return true;
        if (_inFlight is not null) return false;
        var hasBacklog = prefetch.Count > 0 || lanes[_lane].TryPeek(out _);
        return time.GetElapsedTime(_openSince) >= (hasBacklog ? options.FlushIntervalUnderBacklog : options.FlushInterval);
    }

    private async Task FlushAsync(CancellationToken cancel)
    {
        if (_inFlight is not null && !await SettleAsync(cancel)) return;
        if (_open.Count == 0) return;
        (_job, _spare) = (_spare, _job);
        _job.Clear();
        _job.Batches.AddRange(_open);
        _job.BatchesWritten = _openWritten;
        builder.Build(_job);
        ClearOpen();
        var job = _job;
        _inFlight = Task.Run(() => writer.WriteAsync(job, cancel), cancel);
    }

    private void ClearOpen()
    {
        _open.Clear();
        (_openEvents, _openWritten, _republish) = (0, 0, false);
        folder.ResetRing();
    }

    // Waits for the flush in flight. True when it is durable; else its batches are open again.
    private async Task<bool> SettleAsync(CancellationToken cancel)
    {
        var outcome = await _inFlight!;
        _inFlight = null;
        if (outcome != FlushOutcome.Durable)
        {
            await RewindAsync(outcome, cancel);
            return false;
        }
        _conflictsInRow = 0;
        counters.AddDurable(_job);
        foreach (var next in _job.Next) history.Committed(next.Partition.Id, next.Offset);
        foreach (var batch in _job.Batches) pool.Return(batch);
        _job.Clear();
        return true;
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
        var written = outcome == FlushOutcome.ViewRefused ? _job.Batches.Count : _job.BatchesWritten;
        List<EventBatch> again = [.. _job.Batches, .. _open];
        _job.Clear();
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
        while (_open.Count > 0 || _inFlight is not null)
        {
            await FlushAsync(cancel);
            if (_inFlight is not null) await SettleAsync(cancel);
        }
    }

    private async Task FinishAsync(CancellationToken cancel)
    {
        while (prefetch.Count > 0) Fold(await prefetch.NextAsync(cancel), publishAll: false);
        await FlushAllAsync(cancel);
    }
}
