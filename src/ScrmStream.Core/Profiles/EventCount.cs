using System.Buffers.Binary;
using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>How many events passed the filter, ever: u32 per shard, which stays at its maximum once there.</summary>
public sealed class EventCount(string filter) : Aggregate($"count[{filter}]")
{
    public override int BytesMax => 4;

    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        var payload = shard.Aggregate(Key);
        if (payload.IsEmpty) payload = shard.ResizeAggregate(Key, 4);
        var count = BinaryPrimitives.ReadUInt32LittleEndian(payload);
        if (count != uint.MaxValue) BinaryPrimitives.WriteUInt32LittleEndian(payload, count + 1);
    }

    public long Total(ShardSet shards)
    {
        long total = 0;
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            if (!payload.IsEmpty) total += BinaryPrimitives.ReadUInt32LittleEndian(payload);
        }
        return total;
    }
}
