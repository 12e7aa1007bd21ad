using System.Buffers.Binary;
using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>The sum of a field over the events that passed the filter and have it as a number, ever: Int128 of micro.</summary>
public sealed class FieldSum(EventField field, string filter) : Aggregate($"sum[{field.Name}; {filter}]")
{
    public override int BytesMax => 16;

    public override IEnumerable<EventField> Fields => [@field];

    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        if (!field.TryGetMicro(batch, in e, out var value)) return;
        var payload = shard.Aggregate(Key);
        if (payload.IsEmpty) payload = shard.ResizeAggregate(Key, 16);
        BinaryPrimitives.WriteInt128LittleEndian(payload, BinaryPrimitives.ReadInt128LittleEndian(payload) + value);
    }

    /// <summary>False when no event had the field.</summary>
    public bool TryTotal(ShardSet shards, out Int128 total)
    {
        total = 0;
        var any = false;
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            if (payload.IsEmpty) continue;
            total += BinaryPrimitives.ReadInt128LittleEndian(payload);
            any = true;
        }
        return any;
    }
}
