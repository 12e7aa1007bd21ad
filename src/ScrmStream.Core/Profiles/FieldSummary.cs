using System.Buffers.Binary;
using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// Number, sum, least and greatest value of a field over the events that passed the filter and have it as a number, ever. The number
/// stays at its maximum once there.
/// <code>u32 events | Int128 sum | Int128 least | Int128 greatest        52 bytes, values in micro</code>
/// </summary>
public sealed class FieldSummary(EventField field, string filter) : Aggregate($"summary[{field.Name}; {filter}]")
{
    private const int Bytes = 52;

    public override int BytesMax => Bytes;

    public readonly record struct Summary(long Events, Int128 Sum, Int128 Least, Int128 Greatest);

    public override IEnumerable<EventField> Fields => [@field];

    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        if (!field.TryGetMicro(batch, in e, out var value)) return;
        var payload = shard.Aggregate(Key);
        var before = payload.IsEmpty ? new Summary(0, 0, Int128.MaxValue, Int128.MinValue) : Read(payload);
        if (payload.IsEmpty) payload = shard.ResizeAggregate(Key, Bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(payload, (uint)Math.Min(before.Events + 1, uint.MaxValue));
        BinaryPrimitives.WriteInt128LittleEndian(payload[4..], before.Sum + value);
        BinaryPrimitives.WriteInt128LittleEndian(payload[20..], Int128.Min(before.Least, value));
        BinaryPrimitives.WriteInt128LittleEndian(payload[36..], Int128.Max(before.Greatest, value));
    }

    /// <summary>Over all shards; 0 events when there are none.</summary>
    public Summary Of(ShardSet shards)
    {
        var all = new Summary(0, 0, Int128.MaxValue, Int128.MinValue);
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            if (payload.IsEmpty) continue;
            var one = Read(payload);
            all = new Summary(
                all.Events + one.Events, all.Sum + one.Sum, Int128.Min(all.Least, one.Least), Int128.Max(all.Greatest, one.Greatest));
        }
        return all;
    }

    private static Summary Read(ReadOnlySpan<byte> payload) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(payload), BinaryPrimitives.ReadInt128LittleEndian(payload[4..]),
        BinaryPrimitives.ReadInt128LittleEndian(payload[20..]), BinaryPrimitives.ReadInt128LittleEndian(payload[36..]));
}
