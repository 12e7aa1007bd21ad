using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>The latest times of events that passed the filter, ascending, six bytes each.</summary>
public sealed class LatestTimes(string filter, int keep, long horizonMs)
    : TimeList($"times[{filter}] keep={keep} horizon={horizonMs}", keep, horizonMs, StoredTime.Bytes)
{
    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        var timeMs = StoredTime.Clamp(e.EventTimeMs);
        if (!TryPushOut(shard.Aggregate(Key), timeMs)) SortedEntries.Insert(shard, Key, StoredTime.Bytes, Keep, HorizonMs, timeMs, 0);
    }

    // Most events come in order, and most lists are full or reach back to their horizon: then one time goes, one comes, and no byte of
    // another aggregate moves.
    private bool TryPushOut(Span<byte> payload, long timeMs)
    {
        var last = payload.Length - StoredTime.Bytes;
        if (last < 0 || timeMs < StoredTime.Read(payload[last..])) return false;
        var beyondMs = timeMs - HorizonMs;
        if (last < (Keep - 1) * StoredTime.Bytes && StoredTime.Read(payload) > beyondMs) return false;
        if (last > 0)
        {
            if (StoredTime.Read(payload[StoredTime.Bytes..]) <= beyondMs) return false;
            payload[StoredTime.Bytes..].CopyTo(payload);
        }
        StoredTime.Write(payload[last..], timeMs);
        return true;
    }

    /// <summary>Entries later than a time, over all shards. The lists end at or before the caller's "now".</summary>
    public long CountAfter(ShardSet shards, long afterMs)
    {
        long total = 0;
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            for (var at = payload.Length - StoredTime.Bytes; at >= 0; at -= StoredTime.Bytes, total++)
            {
                if (StoredTime.Read(payload[at..]) <= afterMs) break;
            }
        }
        return total;
    }

    /// <summary>The latest time of all; <see cref="long.MinValue"/> when there is none.</summary>
    public long Latest(ShardSet shards)
    {
        var latest = long.MinValue;
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            if (!payload.IsEmpty) latest = Math.Max(latest, StoredTime.Read(payload[^StoredTime.Bytes..]));
        }
        return latest;
    }

    public override void Load(ShardSet shards, Timeline timeline)
    {
        timeline.Clear();
        for (var i = 0; i < shards.Count; i++) timeline.Add(shards[i].Aggregate(Key), StoredTime.Bytes);
        timeline.Seal(Keep);
    }
}
