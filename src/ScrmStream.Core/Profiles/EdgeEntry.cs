using System.Buffers.Binary;

namespace ScrmStream.Profiles;

/// <summary>
/// Something told by one event, of which the first or last is kept. Ties in time are broken by event_id (absent = empty), then by the
/// content, both in order of their bytes.
/// <code>time (6) | u8 event_id length | event_id | content</code>
/// </summary>
internal static class EdgeEntry
{
    public const int EventIdBytesMax = 255;
    public const int HeadBytesMax = StoredTime.Bytes + 1 + EventIdBytesMax;

    public static int Compare(long timeMs, ReadOnlySpan<byte> eventId, ReadOnlySpan<byte> content, ReadOnlySpan<byte> stored)
    {
        var order = timeMs.CompareTo(StoredTime.Read(stored));
        if (order == 0) order = eventId.SequenceCompareTo(EventId(stored));
        return order != 0 ? order : content.SequenceCompareTo(Content(stored));
    }

    /// <summary>Compares two entries that are stored.</summary>
    public static int Compare(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other) =>
        Compare(StoredTime.Read(one), EventId(one), Content(one), other);

    public static void Write(ShardBuffer shard, uint key, long timeMs, ReadOnlySpan<byte> eventId, ReadOnlySpan<byte> content)
    {
        var payload = shard.ResizeAggregate(key, StoredTime.Bytes + 1 + eventId.Length + content.Length);
        StoredTime.Write(payload, timeMs);
        payload[StoredTime.Bytes] = (byte)eventId.Length;
        eventId.CopyTo(payload[(StoredTime.Bytes + 1)..]);
        content.CopyTo(payload[(StoredTime.Bytes + 1 + eventId.Length)..]);
    }

    public static ReadOnlySpan<byte> EventId(ReadOnlySpan<byte> payload) => payload.Slice(StoredTime.Bytes + 1, payload[StoredTime.Bytes]);

    public static ReadOnlySpan<byte> Content(ReadOnlySpan<byte> payload) => payload[(StoredTime.Bytes + 1 + payload[StoredTime.Bytes])..];

    /// <summary>At most so many bytes of a text, cut between characters.</summary>
    public static ReadOnlySpan<byte> Cut(ReadOnlySpan<byte> text, int bytesMax)
    {
        if (text.Length <= bytesMax) return text;
        var end = bytesMax;
        while (end > 0 && (text[end] & 0xC0) == 0x80) end--;
        return text[..end];
    }
}
