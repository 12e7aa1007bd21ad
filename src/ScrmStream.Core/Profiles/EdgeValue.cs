using System.Buffers.Binary;
using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// The value of a field at the first or the last event that passed the filter and has it. Ties in time are broken by event_id (absent
/// = empty), then by the value, both in order of their bytes; the last takes the greatest, the first the smallest.
/// <code>time (6) | u8 event_id length | event_id | value</code>
/// An event_id counts with its first 255 bytes, a value with its first 512, cut between characters.
/// </summary>
public sealed class EdgeValue(bool last, EventField field, string filter)
    : Aggregate($"{(last ? "last" : "first")}[{field.Name}; {filter}]")
{
    public const int ValueBytesMax = 512;

    private const int EventIdBytesMax = 255;

    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        Span<byte> scratch = stackalloc byte[24];
        if (!field.TryGetText(batch, in e, scratch, out var value)) return;
        if (value.Length > ValueBytesMax) value = CutBetweenCharacters(value);
        var eventId = batch.Text(e.EventId);
        if (eventId.Length > EventIdBytesMax) eventId = eventId[..EventIdBytesMax];
        var timeMs = StoredTime.Clamp(e.EventTimeMs);

        var stored = shard.Aggregate(Key);
        if (!stored.IsEmpty && !Wins(Compare(timeMs, eventId, value, stored))) return;
        var payload = shard.ResizeAggregate(Key, StoredTime.Bytes + 1 + eventId.Length + value.Length);
        StoredTime.Write(payload, timeMs);
        payload[StoredTime.Bytes] = (byte)eventId.Length;
        eventId.CopyTo(payload[(StoredTime.Bytes + 1)..]);
        value.CopyTo(payload[(StoredTime.Bytes + 1 + eventId.Length)..]);
    }

    /// <summary>The value over all shards, valid as long as they are; false when there is none.</summary>
    public bool TryGet(ShardSet shards, out ReadOnlySpan<byte> value, out long timeMs)
    {
        ReadOnlySpan<byte> best = default;
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            if (payload.IsEmpty) continue;
            if (best.IsEmpty || Wins(Compare(StoredTime.Read(payload), EventId(payload), Value(payload), best))) best = payload;
        }
        value = best.IsEmpty ? default : Value(best);
        timeMs = best.IsEmpty ? long.MinValue : StoredTime.Read(best);
        return !best.IsEmpty;
    }

    private bool Wins(int order) => last ? order > 0 : order < 0;

    private static int Compare(long timeMs, ReadOnlySpan<byte> eventId, ReadOnlySpan<byte> value, ReadOnlySpan<byte> stored)
    {
        var order = timeMs.CompareTo(StoredTime.Read(stored));
        if (order == 0) order = eventId.SequenceCompareTo(EventId(stored));
        return order != 0 ? order : value.SequenceCompareTo(Value(stored));
    }

    private static ReadOnlySpan<byte> EventId(ReadOnlySpan<byte> payload) =>
        payload.Slice(StoredTime.Bytes + 1, payload[StoredTime.Bytes]);

    private static ReadOnlySpan<byte> Value(ReadOnlySpan<byte> payload) => payload[(StoredTime.Bytes + 1 + payload[StoredTime.Bytes])..];

    private static ReadOnlySpan<byte> CutBetweenCharacters(ReadOnlySpan<byte> value)
    {
        var end = ValueBytesMax;
        while (end > 0 && (value[end] & 0xC0) == 0x80) end--;
        return value[..end];
    }
}
