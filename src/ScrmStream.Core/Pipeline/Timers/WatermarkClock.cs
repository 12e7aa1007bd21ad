using ScrmStream.Events;

namespace ScrmStream.Pipeline.Timers;

/// <summary>
/// The time of this process's partitions: every moment up to it has been. A partition's time is the greatest of min(event time, record
/// timestamp) over what has been applied; while there is more to read, a millisecond less, for the next event may be of the same one.
/// One that has been read to its end grows by the time that passes, by the monotonic clock, and is idle after a while. Partitions of
/// history never hold time back, nor move it. Owned by the deciding thread.
/// </summary>
/// <param name="growsInSilence">False: a run that ends when there is nothing more to read, as of the greatest time met.</param>
public sealed class WatermarkClock(bool growsInSilence, TimeProvider time)
{
    /// <summary>So long at its end, and a partition no longer holds the others back.</summary>
    public static readonly TimeSpan IdleAfter = TimeSpan.FromSeconds(5);

    private readonly Dictionary<SourcePartition, Partition> _partitions = [];
    private readonly List<PartitionStanding> _standings = [];
    private SourcePartition? _lastSource;
    private Partition? _last;

    private sealed class Partition
    {
        public long TimeMs = long.MinValue;
        public long AppliedNext = -1;
        /// <summary>Timestamp of the monotonic clock when everything up to its end had been applied; 0: it has not.</summary>
        public long QuietSince;
        public bool IsHistory, IsAssigned;
    }

    /// <summary>The greatest time met in any partition, of history too; <see cref="long.MinValue"/> before any.</summary>
    public long MaximumMs { get; private set; } = long.MinValue;

    /// <summary>
    /// The common time that this process found when it began: from there on silence grows where there is nothing to read;
    /// <see cref="long.MinValue"/>: none.
    /// </summary>
    public long ResumedMs { get; set; } = long.MinValue;

    /// <summary>Takes in a batch that has been folded.</summary>
    public void Applied(EventBatch batch)
    {
        var records = batch.Records.Records.AsSpan(0, batch.Records.Count);
        foreach (ref var record in records)
        {
            var partition = PartitionOf(record.Partition);
            partition.AppliedNext = Math.Max(partition.AppliedNext, record.Offset + 1);
        }
        foreach (ref var e in batch.Events)
        {
            ref var record = ref records[e.Record];
            var partition = PartitionOf(record.Partition);
            var timeMs = record.TimestampMs >= 0 ? Math.Min(e.EventTimeMs, record.TimestampMs) : e.EventTimeMs;
            if (timeMs > partition.TimeMs) partition.TimeMs = timeMs;
        }
    }

    /// <summary>Where time stands, as far as this process knows.</summary>
    public (WatermarkState State, long TimeMs) Read(IEventSource source)
    {
        Follow(source);
        var (least, greatest, holds) = (long.MaxValue, long.MinValue, false);
        foreach (var partition in _partitions.Values)
        {
            MaximumMs = Math.Max(MaximumMs, partition.TimeMs);
            if (partition.IsHistory) continue;
            var quiet = partition.QuietSince == 0 ? TimeSpan.Zero : time.GetElapsedTime(partition.QuietSince);
            // Of records of a time that nobody knows yet, or of none since the start.
            holds |= partition.TimeMs == long.MinValue && partition.QuietSince == 0;
            var isAtEnd = partition.QuietSince != 0;
            var fromMs = partition.TimeMs == long.MinValue ? ResumedMs : isAtEnd ? partition.TimeMs : partition.TimeMs - 1;
            if (fromMs == long.MinValue) continue;
            var timeMs = fromMs + (growsInSilence ? (long)quiet.TotalMilliseconds : 0);
            if (partition.QuietSince != 0 && quiet >= IdleAfter) greatest = Math.Max(greatest, timeMs);
            else least = Math.Min(least, timeMs);
        }
        if (holds) return (WatermarkState.Holding, 0);
        if (least != long.MaxValue) return (WatermarkState.Active, least);
        return greatest != long.MinValue ? (WatermarkState.Idle, greatest) : (WatermarkState.None, 0);
    }

    // A source that does not say which partitions it has is known by its records; then none is ever known to be at its end.
    private void Follow(IEventSource source)
    {
        _standings.Clear();
        source.Describe(_standings);
        if (_standings.Count == 0) return;
        foreach (var partition in _partitions.Values) partition.IsAssigned = false;
        foreach (var standing in _standings)
        {
            var partition = PartitionOf(standing.Partition);
            (partition.IsAssigned, partition.IsHistory) = (true, standing.IsHistory);
            var isQuiet = standing.IsAtEnd && partition.AppliedNext >= standing.TakenNext;
            if (!isQuiet) partition.QuietSince = 0;
            else if (partition.QuietSince == 0) partition.QuietSince = Math.Max(1, time.GetTimestamp());
        }
        foreach (var (gone, partition) in _partitions)
        {
            if (partition.IsAssigned) continue;
            MaximumMs = Math.Max(MaximumMs, partition.TimeMs);
            _partitions.Remove(gone);
        }
        _lastSource = null;
    }

    // Records come in runs of one partition.
    private Partition PartitionOf(SourcePartition source)
    {
        if (ReferenceEquals(source, _lastSource)) return _last!;
        if (!_partitions.TryGetValue(source, out var partition)) _partitions.Add(source, partition = new Partition());
        (_lastSource, _last) = (source, partition);
        return partition;
    }
}
