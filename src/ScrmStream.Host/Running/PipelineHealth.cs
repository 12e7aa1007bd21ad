using ScrmStream.Pipeline;

namespace ScrmStream.Host.Running;

/// <summary>How a pipeline is.</summary>
/// <param name="Why">One sentence for whoever is woken by it.</param>
public readonly record struct HealthReport(bool Ok, string Why);

/// <summary>
/// Judges a pipeline by whether it gets on: not while there is nothing to do, and not by how fast. Looked at every second by the server
/// and whenever somebody asks; any thread.
/// </summary>
public sealed class PipelineHealth(StreamPipeline pipeline, TimeProvider time)
{
    /// <summary>Work without progress for so long is not healthy. Longer than any flush or rebalance, shorter than anyone's
    /// patience.</summary>
    public static readonly TimeSpan StallMax = TimeSpan.FromSeconds(60);

    private readonly Lock _lock = new();
    private (long Polled, long Durable) _progress;
    private long _progressAt = time.GetTimestamp();

    public HealthReport Look()
    {
        var counters = pipeline.Counters;
        (long Polled, long Durable) now = (counters.PolledRecords, counters.DurableRecords);
        var inFlight = now.Polled - now.Durable;
        var lag = pipeline.Lag;
        if (pipeline.Flood.Look() is { IsOpen: true } flood)
            return new HealthReport(false,
                $"{flood.Share:P0} of what comes has been bad for {flood.Since.TotalSeconds:0} s: reading is slowed down, nothing is lost; "
                + "\"scrmstream dead-letters list\" shows what it is");
        lock (_lock)
        {
            var hasWork = inFlight > 0 || lag > 0;
            if (now != _progress || !hasWork) (_progress, _progressAt) = (now, time.GetTimestamp());
            var stalled = time.GetElapsedTime(_progressAt);
            if (stalled < StallMax) return new HealthReport(true,
                hasWork ? $"working: {inFlight} records in flight, lag {lag}" : "idle: everything is read and stored");
            return new HealthReport(false, inFlight > 0
                ? $"{inFlight} records have waited for {stalled.TotalSeconds:0} s to be stored: Redis, ClickHouse or the "
                    + "dead-letter topic does not answer; the log and \"scrmstream doctor\" say which"
                : $"nothing was read for {stalled.TotalSeconds:0} s although {lag} records wait: Kafka does not answer or another "
                    + "process of the group holds the partitions");
        }
    }
}
