using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ScrmStream.Profiles;

/// <summary>Reads a stored shard in place; the layout is <see cref="ShardBuffer"/>'s. An empty span is a shard without events.</summary>
public readonly ref struct Shard(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private readonly ShardIndex? _index;
    private readonly int _number;

    /// <param name="bytes">The stored form.</param>
    /// <param name="index">Knows where the aggregates of shard <paramref name="number"/> are.</param>
    internal Shard(ReadOnlySpan<byte> bytes, ShardIndex index, int number) : this(bytes)
    {
        _index = index;
        _number = number;
    }

    public uint Events => _bytes.IsEmpty ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(_bytes[4..]);
    public uint ChannelBits => _bytes.IsEmpty ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(_bytes[8..]);
    /// <summary>Earliest event time; <see cref="long.MaxValue"/> without events.</summary>
    public long FirstSeenMs => _bytes.IsEmpty ? long.MaxValue : BinaryPrimitives.ReadInt64LittleEndian(_bytes[12..]);
    /// <summary>Latest event time; <see cref="long.MinValue"/> without events.</summary>
    public long LastSeenMs => _bytes.IsEmpty ? long.MinValue : BinaryPrimitives.ReadInt64LittleEndian(_bytes[20..]);

    /// <summary>See <see cref="ShardBuffer.MarkComplete"/>; 0 without a mark.</summary>
    public long CompleteFrom
    {
        get
        {
            var mark = Aggregate(ShardBuffer.CompleteKey);
            return mark.IsEmpty ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(mark);
        }
    }

    /// <summary>The payload of an aggregate; empty when the shard has none.</summary>
    public ReadOnlySpan<byte> Aggregate(uint key)
    {
        if (_index is not null) return _index.TryFind(_number, key, out var start, out var bytes) ? _bytes.Slice(start, bytes) : default;
        if (_bytes.IsEmpty) return default;
        var at = FindAggregate(_bytes, FirstAggregate(_bytes), key, out var length);
        return length < 0 ? default : _bytes.Slice(at + ShardBuffer.AggregateHeaderBytes, length);
    }

    /// <summary>Where the aggregates begin.</summary>
    internal static int FirstAggregate(ReadOnlySpan<byte> shard) => ShardBuffer.HeaderBytes
        + BinaryPrimitives.ReadUInt16LittleEndian(shard) * ShardBuffer.FenceBytes
        + BinaryPrimitives.ReadUInt16LittleEndian(shard[2..]) * ShardBuffer.RingEntryBytes;

    /// <summary>Where the aggregate is, or with length -1 where it would be inserted.</summary>
    /// <param name="from">The place of an aggregate with no greater key, or the end.</param>
    internal static int FindAggregate(ReadOnlySpan<byte> shard, int from, uint key, out int length)
    {
        var at = from;
        // Key and length in one load, while eight bytes are left; a walk over hundreds of aggregates waits for nothing else.
        while (at <= shard.Length - sizeof(ulong))
        {
            var header = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref MemoryMarshal.GetReference(shard), at));
            if (!BitConverter.IsLittleEndian) header = BinaryPrimitives.ReverseEndianness(header);
            if ((uint)header >= key)
            {
                length = (uint)header == key ? (ushort)(header >> 32) : -1;
                return at;
            }
            at += ShardBuffer.AggregateHeaderBytes + (ushort)(header >> 32);
        }
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
