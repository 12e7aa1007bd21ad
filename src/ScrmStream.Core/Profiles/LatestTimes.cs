using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// The latest times of events that passed the filter, ascending, six bytes each: at most <see cref="Keep"/>, and none that is
/// <see cref="HorizonMs"/> or more behind the latest. Both limits only ever drop the oldest, so what is kept does not depend on
/// the order of arrival.
/// </summary>
public sealed class LatestTimes : Aggregate
{
    /// <summary>Most entries a list keeps per anchor; the design's N for exact windows.</summary>
    public const int KeepMax = 1024;

    public LatestTimes(string filter, int keep, long horizonMs) : base($"times[{filter}] keep={keep} horizon={horizonMs}")
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(keep, KeepMax);
        Keep = keep;
        HorizonMs = horizonMs;
    }

    public int Keep { get; }
    public long HorizonMs { get; }

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

    /// <summary>Fills a timeline with the latest entries over all shards.</summary>
    public void Load(ShardSet shards, Timeline timeline)
    {
        timeline.Clear();
        for (var i = 0; i < shards.Count; i++) timeline.Add(shards[i].Aggregate(Key), StoredTime.Bytes);
        timeline.Seal(Keep);
    }
}
