using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>The latest times of events that passed the filter, ascending, six bytes each.</summary>
public sealed class LatestTimes(string filter, int keep, long horizonMs)
    : TimeList($"times[{filter}] keep={keep} horizon={horizonMs}", keep, horizonMs)
{
    protected override int EntryBytes => StoredTime.Bytes;

    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        var timeMs = StoredTime.Clamp(e.EventTimeMs);
        SortedEntries.Insert(shard, Key, StoredTime.Bytes, Keep, HorizonMs, timeMs, 0);
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
