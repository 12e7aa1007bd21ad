using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// The value of a field at the first or the last event that passed the filter and has it: an <see cref="EdgeEntry"/>; of equal times the
/// last takes the greatest, the first the smallest. An event_id counts with its first 255 bytes, a value with its first 512, cut between
/// characters.
/// </summary>
public sealed class EdgeValue(bool last, EventField field, string filter)
    : Aggregate($"{(last ? "last" : "first")}[{field.Name}; {filter}]")
{
    public const int ValueBytesMax = 512;

    public override int BytesMax => EdgeEntry.HeadBytesMax + ValueBytesMax;

    public override IEnumerable<EventField> Fields => [@field, EventField.EventId];

    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        Span<byte> scratch = stackalloc byte[24];
        if (!field.TryGetText(batch, in e, scratch, out var value)) return;
        value = EdgeEntry.Cut(value, ValueBytesMax);
        var eventId = batch.Text(e.EventId);
        if (eventId.Length > EdgeEntry.EventIdBytesMax) eventId = eventId[..EdgeEntry.EventIdBytesMax];
        var timeMs = StoredTime.Clamp(e.EventTimeMs);
        var stored = shard.Aggregate(Key);
        if (stored.IsEmpty || Wins(EdgeEntry.Compare(timeMs, eventId, value, stored))) EdgeEntry.Write(shard, Key, timeMs, eventId, value);
    }

    /// <summary>The value over all shards, valid as long as they are; false when there is none.</summary>
    public bool TryGet(ShardSet shards, out ReadOnlySpan<byte> value, out long timeMs)
    {
        ReadOnlySpan<byte> best = default;
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            if (payload.IsEmpty) continue;
            if (best.IsEmpty || Wins(EdgeEntry.Compare(payload, best))) best = payload;
        }
        value = best.IsEmpty ? default : EdgeEntry.Content(best);
        timeMs = best.IsEmpty ? long.MinValue : StoredTime.Read(best);
        return !best.IsEmpty;
    }

    private bool Wins(int order) => last ? order > 0 : order < 0;
}
