using ScrmStream.Pipeline;

namespace ScrmStream.Host.Running;

/// <summary>
/// Runs a pipeline to the end of its source, to a stop, or until the source has been idle for some time, and measures it from the
/// first record polled to the last durable write.
/// </summary>
public sealed class ServiceRun(StreamPipeline pipeline, TimeProvider time)
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(50);
    private long _firstPoll, _lastDurable;

    /// <summary>From the first poll that gave records to the last flush.</summary>
    public TimeSpan Elapsed => _firstPoll == 0 ? TimeSpan.Zero : time.GetElapsedTime(_firstPoll, Math.Max(_lastDurable, _firstPoll));

    /// <param name="untilIdle">Ends when the source has been at its end for so long; null: never.</param>
    /// <param name="tick">Called about twenty times a second while it runs.</param>
    public async Task RunAsync(TimeSpan? untilIdle, Action<StreamPipeline> tick, CancellationToken stop)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var running = pipeline.RunAsync(ending.Token);
        var start = time.GetTimestamp();
        long flushes = 0;
        while (await Task.WhenAny(running, Task.Delay(WatchInterval, time, CancellationToken.None)) != running)
        {
            if (_firstPoll == 0 && pipeline.Counters.PolledRecords > 0) _firstPoll = Math.Max(start, 1);
            if (_firstPoll == 0) start = time.GetTimestamp();
            if (pipeline.Counters.Flushes != flushes) (_lastDurable, flushes) = (time.GetTimestamp(), pipeline.Counters.Flushes);
            if (untilIdle is { } idle && IsDrained(idle) && !ending.IsCancellationRequested)
            {
                pipeline.EndAtMaximum();
                await ending.CancelAsync();
            }
            tick(pipeline);
        }
        if (_firstPoll == 0 && pipeline.Counters.PolledRecords > 0) _firstPoll = start;
        if (pipeline.Counters.Flushes != flushes) _lastDurable = time.GetTimestamp();
        await running;
    }

    // At the end of the source, everything that was read is durable, and all customers have followed the rules.
    private bool IsDrained(TimeSpan idle) =>
        pipeline.IdleFor >= idle && !pipeline.IsSweeping && pipeline.Counters.Books.Look().PendingRecords == 0;
}
