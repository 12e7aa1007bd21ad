using System.Buffers.Binary;

namespace ScrmStream.Profiles;

/// <summary>
/// Payloads that are lists in order of time, then value: entries of six bytes (time), or of 22 (time, Int128 value). Equal entries
/// are kept as often as they came.
/// </summary>
internal static class SortedEntries
{
    public const int ValueEntryBytes = StoredTime.Bytes + 16;

    /// <summary>Puts an entry at its place and drops what falls out at the old end (perhaps the entry itself).</summary>
    public static void Insert(ShardBuffer shard, uint key, int entryBytes, int keep, long horizonMs, long timeMs, Int128 value)
    {
        var payload = shard.Aggregate(key);
        var count = payload.Length / entryBytes;
        if (count > 0 && timeMs <= StoredTime.Read(payload[^entryBytes..]) - horizonMs) return;

        var drop = 0;
        while (drop < count && StoredTime.Read(payload[(drop * entryBytes)..]) <= timeMs - horizonMs) drop++;
        if (count - drop == keep)
        {
            if (!IsBefore(payload[(drop * entryBytes)..], entryBytes, timeMs, value)) return;
            drop++;
        }
        var place = count;
        while (place > drop && !IsBefore(payload[((place - 1) * entryBytes)..], entryBytes, timeMs, value)) place--;

        if (drop == 0) payload = shard.ResizeAggregate(key, payload.Length + entryBytes);
        if (drop > 0) payload[(drop * entryBytes)..(place * entryBytes)].CopyTo(payload);
        payload[(place * entryBytes)..(count * entryBytes)].CopyTo(payload[((place - drop + 1) * entryBytes)..]);
        Write(payload[((place - drop) * entryBytes)..], entryBytes, timeMs, value);
        if (drop > 1) shard.ResizeAggregate(key, (count - drop + 1) * entryBytes);
    }

    public static Int128 ReadValue(ReadOnlySpan<byte> entry) => BinaryPrimitives.ReadInt128LittleEndian(entry[StoredTime.Bytes..]);

    private static void Write(Span<byte> entry, int entryBytes, long timeMs, Int128 value)
    {
        StoredTime.Write(entry, timeMs);
        if (entryBytes == ValueEntryBytes) BinaryPrimitives.WriteInt128LittleEndian(entry[StoredTime.Bytes..], value);
    }

    // Is the stored entry strictly before the new one?
    private static bool IsBefore(ReadOnlySpan<byte> entry, int entryBytes, long timeMs, Int128 value)
    {
        var stored = StoredTime.Read(entry);
        return stored != timeMs ? stored < timeMs : entryBytes == ValueEntryBytes && ReadValue(entry) < value;
    }
}
