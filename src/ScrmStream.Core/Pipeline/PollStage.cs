using System.Threading.Channels;
using ScrmStream.Diagnostics;
using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// Polls the source and hands batches to the decode lanes in turn, so that reading the lanes in turn gives them back in order.
/// </summary>
public sealed class PollStage(
    IEventSource source, BatchPool pool, Channel<EventBatch>[] lanes, PipelineCounters counters, FloodBreaker flood,
    PipelineOptions options, TimeProvider time)
{
    private readonly RecordBatch _nothing = new(1, 1);
    private long _idleSince = -1;
    private bool _isBehind;
    private int _lane;

    /// <summary>How long the source has been at its end with nothing to read; zero while it is not.</summary>
    public TimeSpan IdleFor
    {
        get
        {
            var since = Volatile.Read(ref _idleSince);
            return since < 0 ? TimeSpan.Zero : time.GetElapsedTime(since);
        }
    }

    /// <summary>
    /// There is a backlog: the last poll found a whole batch without waiting for it. A stream that is kept up with fills none so soon.
    /// </summary>
    public bool IsBehind => Volatile.Read(ref _isBehind);

    /// <summary>The source is finite and read to its end.</summary>
    public bool Ended { get; private set; }

    /// <param name="toTheEnd">A stop waits until everything that is there has been read in the partitions that the source has then: it
    /// may have lost all.</param>
    public async Task RunAsync(bool toTheEnd, CancellationToken stop, CancellationToken cancel)
    {
        try
        {
            while (!Ended && !(stop.IsCancellationRequested && (!toTheEnd || IsAtEnd)))
                await PollOnceAsync(toTheEnd ? cancel : stop, cancel);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // A stop while waiting for a free batch or in a flood: nothing was polled that was not handed on.
        }
        finally
        {
            foreach (var lane in lanes) lane.Writer.TryComplete();
        }
    }

    // Without a partition a source is never idle, for it may be given one yet; and it has nothing that a stop could wait for.
    private bool IsAtEnd => Volatile.Read(ref _idleSince) >= 0 || source.Lag == 0;

    private async ValueTask PollOnceAsync(CancellationToken stop, CancellationToken cancel)
    {
        var batch = await TakeAsync(stop);
        var started = time.GetTimestamp();
        var state = source.Poll(batch.Records, options.PollTimeout);
        Volatile.Write(ref _isBehind, batch.Records.IsFull && time.GetElapsedTime(started) < options.PollTimeout / 2);
        Note(state, batch.Records.Count);
        if (batch.Records.Count == 0)
        {
            pool.Return(batch);
            // Where one thread does everything, others would never have their turn; on the pool this stage keeps its own thread.
            if (TaskScheduler.Current != TaskScheduler.Default) await Task.Yield();
            return;
        }
        await Failpoints.PassAsync(Failpoint.PollAfter);
        counters.Books.Polled(batch.Records.Count);
        var wait = flood.WaitAfter(batch.Records.Count);
        await lanes[_lane].Writer.WriteAsync(batch, cancel);
        _lane = (_lane + 1) % lanes.Length;
        if (wait > TimeSpan.Zero) await Task.Delay(wait, time, stop);
    }

    // While there is no free batch the source is paused, but polled on, so that it keeps its place in the group.
    private async ValueTask<EventBatch> TakeAsync(CancellationToken stop)
    {
        var take = pool.TakeAsync(stop);
        if (take.IsCompleted) return await take;
        var waiting = take.AsTask();
        var paused = false;
        // A stop ends the waiting for a batch, and the loop with it.
        while (await Task.WhenAny(waiting, Task.Delay(LongBackPressure, time, CancellationToken.None)) != waiting)
        {
            if (!paused) source.Pause(true);
            paused = true;
            source.Poll(_nothing, TimeSpan.Zero);
            if (_nothing.Count > 0) throw new InvalidOperationException("A paused source gave a record; reading on would lose it.");
        }
        if (paused) source.Pause(false);
        return await waiting;
    }

    private static readonly TimeSpan LongBackPressure = TimeSpan.FromSeconds(5);

    private void Note(SourceState state, int records)
    {
        if (state == SourceState.Ended) Ended = true;
        if (state == SourceState.Open || records > 0) Volatile.Write(ref _idleSince, -1);
        else if (_idleSince < 0) Volatile.Write(ref _idleSince, time.GetTimestamp());
    }
}
