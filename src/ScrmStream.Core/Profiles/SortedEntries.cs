using System.Buffers.Binary;

namespace ScrmStream.Profiles;

/// <summary>
/// Payloads that are lists in order of time, then value: entries of six bytes (time), of seven (time, u8 value) or of 22 (time, Int128
/// value). Equal entries are kept as often as they came.
/// </summary>
internal static class SortedEntries
{
    public const int ValueEntryBytes = StoredTime.Bytes + 16;
    public const int SmallEntryBytes = StoredTime.Bytes + 1;

    /// <summary>Puts an entry at its place and drops what falls out at the old end (perhaps the entry itself).</summary>
    public static void Insert(ShardBuffer shard, uint key, int entryBytes, int keep, long horizonMs, long timeMs, Int128 value)
    {
        var payload = shard.Aggregate(key);
        var end = payload.Length;
        if (end > 0 && timeMs <= StoredTime.Read(payload[(end - entryBytes)..]) - horizonMs) return;

        // All places are in bytes: a division per event would cost more than the rest.
        var drop = 0;
        while (drop < end && StoredTime.Read(payload[drop..]) <= timeMs - horizonMs) drop += entryBytes;
        if (end - drop == keep * entryBytes)
        {
            if (!IsBefore(payload[drop..], entryBytes, timeMs, value)) return;
            drop += entryBytes;
        }
        var place = end;
        while (place > drop && !IsBefore(payload[(place - entryBytes)..], entryBytes, timeMs, value)) place -= entryBytes;

        if (drop == 0) payload = shard.ResizeAggregate(key, end + entryBytes);
        else payload[drop..place].CopyTo(payload);
        payload[place..end].CopyTo(payload[(place - drop + entryBytes)..]);
        Write(payload[(place - drop)..], entryBytes, timeMs, value);
        if (drop > entryBytes) shard.ResizeAggregate(key, end - drop + entryBytes);
    }

    public static Int128 ReadValue(ReadOnlySpan<byte> entry) => BinaryPrimitives.ReadInt128LittleEndian(entry[StoredTime.Bytes..]);

    private static void Write(Span<byte> entry, int entryBytes, long timeMs, Int128 value)
    {
        StoredTime.Write(entry, timeMs);
        if (entryBytes == ValueEntryBytes) BinaryPrimitives.WriteInt128LittleEndian(entry[StoredTime.Bytes..], value);
        else if (entryBytes == SmallEntryBytes) entry[StoredTime.Bytes] = (byte)value;
    }

    // Is the stored entry strictly before the new one?
    private static bool IsBefore(ReadOnlySpan<byte> entry, int entryBytes, long timeMs, Int128 value)
    {
        var stored = StoredTime.Read(entry);
        if (stored != timeMs) return stored < timeMs;
        return entryBytes switch
        {
            ValueEntryBytes => ReadValue(entry) < value,
            SmallEntryBytes => entry[StoredTime.Bytes] < value,
            _ => false,
        };
    }
}
