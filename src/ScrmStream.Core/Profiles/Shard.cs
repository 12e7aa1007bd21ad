using System.Buffers.Binary;

namespace ScrmStream.Profiles;

/// <summary>Reads a stored shard in place; the layout is <see cref="ShardBuffer"/>'s. An empty span is a shard without events.</summary>
public readonly ref struct Shard(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public uint Events => _bytes.IsEmpty ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(_bytes[4..]);
    public uint ChannelBits => _bytes.IsEmpty ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(_bytes[8..]);
    /// <summary>Earliest event time; <see cref="long.MaxValue"/> without events.</summary>
    public long FirstSeenMs => _bytes.IsEmpty ? long.MaxValue : BinaryPrimitives.ReadInt64LittleEndian(_bytes[12..]);
    /// <summary>Latest event time; <see cref="long.MinValue"/> without events.</summary>
    public long LastSeenMs => _bytes.IsEmpty ? long.MinValue : BinaryPrimitives.ReadInt64LittleEndian(_bytes[20..]);

    /// <summary>The payload of an aggregate; empty when the shard has none.</summary>
    public ReadOnlySpan<byte> Aggregate(uint key)
    {
        if (_bytes.IsEmpty) return default;
        var at = FindAggregate(_bytes, key, out var length);
        return length < 0 ? default : _bytes.Slice(at + ShardBuffer.AggregateHeaderBytes, length);
    }

    /// <summary>Where the aggregate is, or with length -1 where it would be inserted.</summary>
    internal static int FindAggregate(ReadOnlySpan<byte> shard, uint key, out int length)
    {
        var at = ShardBuffer.HeaderBytes
            + BinaryPrimitives.ReadUInt16LittleEndian(shard) * ShardBuffer.FenceBytes
            + BinaryPrimitives.ReadUInt16LittleEndian(shard[2..]) * ShardBuffer.RingEntryBytes;
        while (at < shard.Length)
        {
            var found = BinaryPrimitives.ReadUInt32LittleEndian(shard[at..]);
            int size = BinaryPrimitives.ReadUInt16LittleEndian(shard[(at + 4)..]);
            if (found == key) { length = size; return at; }
            if (found > key) break;
            at += ShardBuffer.AggregateHeaderBytes + size;
        }
        length = -1;
        return at;
    }
}
