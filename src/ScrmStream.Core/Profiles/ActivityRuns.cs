using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// When a customer was active and when idle: events that come less than <see cref="IdleMs"/> behind each other make one run, so what lies
/// between two runs is all there is to know of idleness. Ascending, from the first to the last time of each run:
/// <code>first time (6) | last time (6)        12 bytes each</code>
/// It looks 1,024 times the idle time back from the latest event: a run that may have begun before that counts as begun for ever, so
/// what was dropped does not depend on the order of arrival.
/// </summary>
/// <param name="filter">Which events are activity.</param>
public sealed class ActivityRuns(string filter, long idleMs) : Aggregate($"runs[{filter}] idle={idleMs}")
{
    private const int RunsMax = 1024;
    private const int Bytes = 2 * StoredTime.Bytes;
    private static readonly long Ever = StoredTime.Clamp(long.MinValue);

    /// <summary>So long without an event is idle.</summary>
    public long IdleMs => idleMs;

    public override int BytesMax => (RunsMax + 1) * Bytes;

    public override string Limit => $"looks back {RunsMax:N0} times the idle time";

    private long HorizonMs => RunsMax * idleMs;

    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        var timeMs = StoredTime.Clamp(e.EventTimeMs);
        var payload = shard.Aggregate(Key);
        var at = payload.Length;
        if (at > 0)
        {
            var lastMs = End(payload, at - Bytes);
            if (timeMs <= lastMs - HorizonMs) return;
            // Runs that begin so late that the event is no part of them lie behind it.
            while (at > 0 && timeMs <= Start(payload, at - Bytes) - idleMs) at -= Bytes;
            if (at > 0 && timeMs < End(payload, at - Bytes) + idleMs)
            {
                Extend(shard, payload, at - Bytes, timeMs);
                return;
            }
        }
        payload = shard.ResizeAggregate(Key, payload.Length + Bytes);
        payload[at..^Bytes].CopyTo(payload[(at + Bytes)..]);
        StoredTime.Write(payload[at..], timeMs);
        StoredTime.Write(payload[(at + StoredTime.Bytes)..], timeMs);
        Trim(shard, payload);
    }

    /// <summary>Fills a line with the runs over all shards.</summary>
    public void Load(ShardSet shards, RunLine line)
    {
        line.Clear();
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            for (var at = 0; at < payload.Length; at += Bytes) line.Add(Start(payload, at), End(payload, at));
        }
        line.Seal(idleMs, HorizonMs);
    }

    // The event belongs to the run at a place, the last that it can belong to, and may join it with the one before.
    private void Extend(ShardBuffer shard, Span<byte> payload, int at, long timeMs)
    {
        if (timeMs >= Start(payload, at) && timeMs <= End(payload, at)) return;
        if (timeMs > End(payload, at)) StoredTime.Write(payload[(at + StoredTime.Bytes)..], timeMs);
        else StoredTime.Write(payload[at..], timeMs);
        if (at > 0 && Start(payload, at) < End(payload, at - Bytes) + idleMs)
        {
            payload[(at + StoredTime.Bytes)..].CopyTo(payload[(at - StoredTime.Bytes)..]);
            payload = shard.ResizeAggregate(Key, payload.Length - Bytes);
        }
        Trim(shard, payload);
    }

    private void Trim(ShardBuffer shard, Span<byte> payload)
    {
        var beyondMs = End(payload, payload.Length - Bytes) - HorizonMs;
        var drop = 0;
        while (End(payload, drop) <= beyondMs) drop += Bytes;
        if (Start(payload, drop) < beyondMs + idleMs) StoredTime.Write(payload[drop..], Ever);
        if (drop == 0) return;
        payload[drop..].CopyTo(payload);
        shard.ResizeAggregate(Key, payload.Length - drop);
    }

    private static long Start(ReadOnlySpan<byte> payload, int at) => StoredTime.Read(payload[at..]);

    private static long End(ReadOnlySpan<byte> payload, int at) => StoredTime.Read(payload[(at + StoredTime.Bytes)..]);
}

/// <summary>The runs of one <see cref="ActivityRuns"/> over all shards of a customer, in order. Scratch of one thread, reused.</summary>
public sealed class RunLine
{
    private (long StartMs, long EndMs)[] _runs = new (long, long)[8];
    private long _idleMs;

    public int Count { get; private set; }

    public (long StartMs, long EndMs) this[int i] => _runs[i];

    public void Clear() => Count = 0;

    internal void Add(long startMs, long endMs)
    {
        if (Count == _runs.Length) Array.Resize(ref _runs, Count * 2);
        _runs[Count++] = (startMs, endMs);
    }

    /// <summary>Joins runs of different shards, and applies the limit of one shard to the whole.</summary>
    internal void Seal(long idleMs, long horizonMs)
    {
        _idleMs = idleMs;
        if (Count == 0) return;
        var runs = _runs.AsSpan(0, Count);
        runs.Sort(static (a, b) => a.StartMs != b.StartMs ? a.StartMs.CompareTo(b.StartMs) : a.EndMs.CompareTo(b.EndMs));
        var kept = 0;
        for (var i = 1; i < Count; i++)
        {
            if (runs[i].StartMs < runs[kept].EndMs + idleMs) runs[kept].EndMs = Math.Max(runs[kept].EndMs, runs[i].EndMs);
            else runs[++kept] = runs[i];
        }
        var beyondMs = runs[kept].EndMs - horizonMs;
        var drop = 0;
        while (runs[drop].EndMs <= beyondMs) drop++;
        if (runs[drop].StartMs < beyondMs + idleMs) runs[drop].StartMs = long.MinValue;
        Count = kept + 1 - drop;
        runs.Slice(drop, Count).CopyTo(runs);
    }

    /// <summary>
    /// The first moment after a time at which the customer has been idle for so long, counted from a beginning or from the last event
    /// behind it; <see cref="long.MaxValue"/>: never.
    /// </summary>
    public long NextIdle(long beginMs, long afterMs)
    {
        var sinceMs = beginMs;
        for (var i = 0; i < Count; i++)
        {
            var (startMs, endMs) = _runs[i];
            if (endMs <= sinceMs) continue;
            if (startMs >= sinceMs + _idleMs && sinceMs + _idleMs > afterMs) break;
            sinceMs = endMs;
        }
        return sinceMs + _idleMs > afterMs ? sinceMs + _idleMs : long.MaxValue;
    }
}
