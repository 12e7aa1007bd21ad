using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// When the entries of a score gave points, for scores whose past has to be looked at event by event: the latest 1,024 in order of time,
/// then entry, as often as they came, none that is <paramref name="horizonMs"/> or more behind the latest.
/// <code>time (6) | u8 entry        7 bytes each</code>
/// Points, caps and grades are applied when reading, so changing them keeps the state.
/// </summary>
/// <param name="filters">The filters of the entries in order, as one canonical text.</param>
public sealed class PointTimes(string filters, long horizonMs) : Aggregate($"point_times[{filters}] horizon={horizonMs}")
{
    private const int Bytes = SortedEntries.SmallEntryBytes;

    public override int BytesMax => TimeList.KeepMax * Bytes;

    public override string Limit =>
        $"exact for up to {TimeList.KeepMax:N0} events that gave points and have not faded; "
        + $"beyond that the latest {TimeList.KeepMax:N0} count";

    /// <param name="microPoints">The number of the entry.</param>
    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        var timeMs = StoredTime.Clamp(e.EventTimeMs);
        var payload = shard.Aggregate(Key);
        // Most events come last, and nothing falls out.
        if (!payload.IsEmpty && payload.Length < BytesMax
            && timeMs > StoredTime.Read(payload[^Bytes..]) && timeMs < StoredTime.Read(payload) + horizonMs)
        {
            var entry = shard.Append(Bytes);
            StoredTime.Write(entry, timeMs);
            entry[StoredTime.Bytes] = (byte)microPoints;
        }
        else SortedEntries.Insert(shard, Key, Bytes, TimeList.KeepMax, horizonMs, timeMs, microPoints);
    }

    /// <summary>Fills a line with the entries over all shards.</summary>
    public void Load(ShardSet shards, PointLine line)
    {
        line.Clear();
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            for (var at = 0; at < payload.Length; at += Bytes) line.Add(StoredTime.Read(payload[at..]), payload[at + StoredTime.Bytes]);
        }
        line.Seal(TimeList.KeepMax, horizonMs);
    }
}

/// <summary>One event that gave points: when, and by which entry.</summary>
public readonly record struct PointEntry(long TimeMs, int Entry) : IComparable<PointEntry>
{
    public int CompareTo(PointEntry other) => TimeMs != other.TimeMs ? TimeMs.CompareTo(other.TimeMs) : Entry.CompareTo(other.Entry);
}

/// <summary>The entries of one <see cref="PointTimes"/> over all shards of a customer, in order. Scratch of one thread, reused.</summary>
public sealed class PointLine
{
    private PointEntry[] _entries = new PointEntry[32];
    private int _first;

    public int Count { get; private set; }

    public ref readonly PointEntry this[int i] => ref _entries[_first + i];

    public void Clear() => Count = _first = 0;

    internal void Add(long timeMs, int entry)
    {
        if (Count == _entries.Length) Array.Resize(ref _entries, Count * 2);
        _entries[Count++] = new PointEntry(timeMs, entry);
    }

    /// <summary>Applies the limits of one shard to the whole, so that it does not matter over how many the events were spread.</summary>
    internal void Seal(int keep, long horizonMs)
    {
        if (Count == 0) return;
        _entries.AsSpan(0, Count).Sort();
        var drop = Math.Max(0, Count - keep);
        while (_entries[drop].TimeMs <= _entries[Count - 1].TimeMs - horizonMs) drop++;
        _first = drop;
        Count -= drop;
    }
}
