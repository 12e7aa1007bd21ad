using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>The earliest time of an event that passed the filter: six bytes.</summary>
public sealed class FirstTime(string filter) : Aggregate($"first_time[{filter}]")
{
    public override int BytesMax => StoredTime.Bytes;

    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        var timeMs = StoredTime.Clamp(e.EventTimeMs);
        var payload = shard.Aggregate(Key);
        if (payload.IsEmpty) StoredTime.Write(shard.ResizeAggregate(Key, StoredTime.Bytes), timeMs);
        else if (timeMs < StoredTime.Read(payload)) StoredTime.Write(payload, timeMs);
    }

    /// <summary><see cref="long.MaxValue"/> when there is none.</summary>
    public long Earliest(ShardSet shards)
    {
        var earliest = long.MaxValue;
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            if (!payload.IsEmpty) earliest = Math.Min(earliest, StoredTime.Read(payload));
        }
        return earliest;
    }
}
