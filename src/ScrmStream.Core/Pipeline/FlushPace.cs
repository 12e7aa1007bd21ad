using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// How long what is open may wait for its flush. Where nothing else is to be read, <see cref="PipelineOptions.FlushInterval"/>. Under
/// backlog as long as the stream is behind: readers who see what happened a second ago gain little from flushes that come more often than
/// once a second, and a longer wait saves work, with which the stream catches up. So the interval finds the length at which this machine
/// keeps up. Owned by the deciding thread.
/// </summary>
internal sealed class FlushPace(PipelineOptions options, TimeProvider time)
{
    private readonly long _shortestMs = (long)options.FlushInterval.TotalMilliseconds;
    private readonly long _longestMs = (long)options.FlushIntervalUnderBacklog.TotalMilliseconds;
    private long _openSince;
    // Unix milliseconds; a producer may write any number.
    private long _newestMs = -1;
    private long _foldedMs;

    /// <summary>What is left of the interval without a backlog; negative when it is over.</summary>
    public TimeSpan Left => options.FlushInterval - time.GetElapsedTime(_openSince);

    /// <summary>The first batch of a flush is folded.</summary>
    public void Open() => _openSince = time.GetTimestamp();

    /// <param name="records">Of a batch that is folded. Records without a time (of a file) are as far behind as can be.</param>
    public void Note(RecordBatch records) => (_newestMs, _foldedMs) = (records.NewestMs, time.GetUtcNow().ToUnixTimeMilliseconds());

    /// <param name="hasBacklog">There is more to be read at once.</param>
    public bool IsDue(bool hasBacklog) => time.GetElapsedTime(_openSince) >= (hasBacklog ? UnderBacklog() : options.FlushInterval);

    private TimeSpan UnderBacklog()
    {
        if (_newestMs < 0 || _longestMs <= _shortestMs) return options.FlushIntervalUnderBacklog;
        return TimeSpan.FromMilliseconds(Math.Clamp(_foldedMs - _newestMs, _shortestMs, _longestMs));
    }
}
