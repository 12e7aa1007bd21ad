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
    private long _openSince;
    private TimeSpan _behind = TimeSpan.MaxValue;

    /// <summary>What is left of the interval without a backlog; negative when it is over.</summary>
    public TimeSpan Left => options.FlushInterval - time.GetElapsedTime(_openSince);

    /// <summary>The first batch of a flush is folded.</summary>
    public void Open() => _openSince = time.GetTimestamp();

    /// <param name="records">Of a batch that is folded. Records without a time (of a file) are as far behind as can be.</param>
    public void Note(RecordBatch records) =>
        _behind = records.NewestMs < 0 ? TimeSpan.MaxValue : time.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds(records.NewestMs);

    /// <param name="hasBacklog">There is more to be read at once.</param>
    public bool IsDue(bool hasBacklog) => time.GetElapsedTime(_openSince) >= (hasBacklog ? UnderBacklog() : options.FlushInterval);

    private TimeSpan UnderBacklog()
    {
        var longest = options.FlushIntervalUnderBacklog;
        if (_behind >= longest) return longest;
        return _behind > options.FlushInterval ? _behind : options.FlushInterval;
    }
}
