using System.Buffers.Binary;
using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// The working copy of one shard: what one anchor's events add up to. The bytes are the stored form, so loading and saving is
/// a copy. Little endian throughout:
/// <code>
/// header      u16 fences | u16 ring entries | u32 events | u32 channel bits | i64 first seen | i64 last seen       28 B
/// fence       u64 source partition | i64 offset | i32 index        last position folded, per source partition      20 B each
/// ring entry  u64 event_id hash | i64 offset | u16 fence slot | u16 index       accepted copies, oldest first      20 B each
/// aggregate   u32 key | u16 length | payload                                  in order of key, to the end of the shard
/// </code>
/// One thread; reused for every event.
/// </summary>
public sealed class ShardBuffer
{
    public const int HeaderBytes = 28;
    public const int FenceBytes = 20;
    public const int RingEntryBytes = 20;
    public const int AggregateHeaderBytes = 6;
    internal const uint CompleteKey = 0;

    private byte[] _bytes = new byte[4096];
    private EventBatch? _recalled;
    // Rules ask for aggregates in order of key, so the search goes on where the last one ended: every aggregate in front of the cursor
    // has a key below that asked for last. 0: nothing was asked for yet.
    private int _cursor;
    private uint _cursorKey;

    public int Length { get; private set; }
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);
    /// <summary>The same bytes, valid until the next change.</summary>
    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    /// <summary>Room for one event that an aggregate brings back.</summary>
    internal EventBatch Recalled => _recalled ??= new EventBatch(new RecordBatch(1, 1 << 16));

    public int FenceCount => BinaryPrimitives.ReadUInt16LittleEndian(_bytes);
    public int RingCount => BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(2));
    public uint Events => BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(4));
    public long LastSeenMs => BinaryPrimitives.ReadInt64LittleEndian(_bytes.AsSpan(20));

    /// <summary>Starts from a stored shard; from an empty one when <paramref name="stored"/> is empty.</summary>
    public void Load(ReadOnlySpan<byte> stored)
    {
        _cursor = 0;
        if (stored.IsEmpty)
        {
            Length = HeaderBytes;
            _bytes.AsSpan(0, HeaderBytes).Clear();
            BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(12), long.MaxValue);
            BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(20), long.MinValue);
            return;
        }
        if (stored.Length > _bytes.Length) _bytes = new byte[stored.Length * 2];
        stored.CopyTo(_bytes);
        Length = stored.Length;
    }

    /// <summary>
    /// Says from which publication of rules on (<c>RulesInForce.Number</c>) every aggregate holds all events of this shard. A shard
    /// without a mark is as old as the first rules. It is stored as an aggregate of key 0, which comes before all others.
    /// </summary>
    public void MarkComplete(long from) =>
        BinaryPrimitives.WriteUInt32LittleEndian(ResizeAggregate(CompleteKey, sizeof(uint)), checked((uint)from));

    /// <summary>Counts one event and widens the times seen.</summary>
    public void Count(long eventTimeMs, int channel)
    {
        var header = _bytes.AsSpan(0, HeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], Events + 1);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], BinaryPrimitives.ReadUInt32LittleEndian(header[8..]) | 1u << channel);
        BinaryPrimitives.WriteInt64LittleEndian(header[12..], Math.Min(BinaryPrimitives.ReadInt64LittleEndian(header[12..]), eventTimeMs));
        BinaryPrimitives.WriteInt64LittleEndian(header[20..], Math.Max(LastSeenMs, eventTimeMs));
    }

    /// <summary>The payload of an aggregate; empty when the shard has none.</summary>
    public Span<byte> Aggregate(uint key)
    {
        var at = Find(key, out var length);
        return length < 0 ? default : _bytes.AsSpan(at + AggregateHeaderBytes, length);
    }

    private int Find(uint key, out int length)
    {
        var from = _cursor > 0 && key >= _cursorKey ? _cursor : Shard.FirstAggregate(_bytes);
        _cursor = Shard.FindAggregate(Bytes, from, key, out length);
        _cursorKey = key;
        return _cursor;
    }

    /// <summary>
    /// Gives an aggregate <paramref name="length"/> bytes (at most 65,535) and returns them: what was there stays in front, new
    /// bytes are zero, bytes beyond the new length are dropped. Spans taken before are void.
    /// </summary>
    public Span<byte> ResizeAggregate(uint key, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, ushort.MaxValue);
        var at = Find(key, out var old);
        if (old < 0)
        {
            Splice(at, 0, AggregateHeaderBytes + length);
            BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(at), key);
        }
        else if (old < length) Splice(at + AggregateHeaderBytes + old, 0, length - old);
        else if (old > length) Splice(at + AggregateHeaderBytes + length, old - length, 0);
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(at + 4), (ushort)length);
        return _bytes.AsSpan(at + AggregateHeaderBytes, length);
    }

    /// <summary>
    /// Lengthens the aggregate that was asked for last, by <see cref="Aggregate"/>, and returns the new bytes at its end, which hold
    /// anything: the caller writes all of them. It has to be there, and stay below 65,536 bytes. Spans taken before are void.
    /// </summary>
    public Span<byte> Append(int bytes)
    {
        var lengthAt = _cursor + AggregateHeaderBytes - sizeof(ushort);
        int length = BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(lengthAt));
        var end = _cursor + AggregateHeaderBytes + length;
        if (Length + bytes > _bytes.Length) Array.Resize(ref _bytes, Math.Max(Length + bytes, _bytes.Length * 2));
        if (end < Length) _bytes.AsSpan(end, Length - end).CopyTo(_bytes.AsSpan(end + bytes));
        Length += bytes;
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(lengthAt), checked((ushort)(length + bytes)));
        return _bytes.AsSpan(end, bytes);
    }

    /// <summary>The bytes of fence <paramref name="slot"/>.</summary>
    public Span<byte> Fence(int slot) => _bytes.AsSpan(HeaderBytes + slot * FenceBytes, FenceBytes);

    /// <summary>Adds a zeroed fence and returns its slot.</summary>
    public int AddFence()
    {
        var slot = FenceCount;
        _cursor = 0;
        Splice(HeaderBytes + slot * FenceBytes, 0, FenceBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes, checked((ushort)(slot + 1)));
        return slot;
    }

    /// <summary>The bytes of ring entry <paramref name="i"/>, 0 being the oldest.</summary>
    public Span<byte> RingEntry(int i) => _bytes.AsSpan(HeaderBytes + FenceCount * FenceBytes + i * RingEntryBytes, RingEntryBytes);

    /// <summary>Adds a zeroed entry behind the newest and returns it.</summary>
    public Span<byte> AddRingEntry()
    {
        var i = RingCount;
        _cursor = 0;
        Splice(HeaderBytes + FenceCount * FenceBytes + i * RingEntryBytes, 0, RingEntryBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(2), checked((ushort)(i + 1)));
        return RingEntry(i);
    }

    public void RemoveRingEntry(int i)
    {
        var count = RingCount;
        _cursor = 0;
        Splice(HeaderBytes + FenceCount * FenceBytes + i * RingEntryBytes, RingEntryBytes, 0);
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(2), (ushort)(count - 1));
    }

    // Replaces `remove` bytes at `at` by `insert` zero bytes.
    private void Splice(int at, int remove, int insert)
    {
        var length = Length - remove + insert;
        if (length > _bytes.Length) Array.Resize(ref _bytes, Math.Max(length, _bytes.Length * 2));
        _bytes.AsSpan(at + remove, Length - at - remove).CopyTo(_bytes.AsSpan(at + insert));
        _bytes.AsSpan(at, insert).Clear();
        Length = length;
    }
}
