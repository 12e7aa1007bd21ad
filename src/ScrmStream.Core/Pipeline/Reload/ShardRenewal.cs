using System.Buffers.Binary;
using ScrmStream.Profiles;
using ScrmStream.Rules;

namespace ScrmStream.Pipeline.Reload;

/// <summary>
/// Puts what was added up anew from stored events in the place of a shard's aggregates, when it is sure that both saw the same events: as
/// many as the shard has counted, none beyond its fences, from and until the same time, over the same channels. What the rules no longer
/// ask for goes. One thread.
/// </summary>
internal sealed class ShardRenewal
{
    // u32 events, u32 channels, i64 first, i64 last: of the header what events decide.
    private const int CountsAt = 4, CountsBytes = 24;

    private readonly (uint Key, bool IsNew)[] _keys;
    private readonly long _completeFrom;
    private readonly ByteArena _renewed = new();

    /// <param name="incomplete">Keys to be replaced.</param>
    public ShardRenewal(RuleSet rules, IReadOnlyList<uint> incomplete, long completeFrom)
    {
        _keys = [.. rules.Aggregates.Select(a => a.Key).Distinct().Order().Select(key => (key, incomplete.Contains(key)))];
        _completeFrom = completeFrom;
    }

    /// <summary>Whether both shards are of the same events.</summary>
    public static bool AreOfTheSame(ReadOnlySpan<byte> shard, ReadOnlySpan<byte> refolded)
    {
        if (shard.IsEmpty || refolded.IsEmpty) return new Shard(shard).Events == new Shard(refolded).Events;
        if (!shard.Slice(CountsAt, CountsBytes).SequenceEqual(refolded.Slice(CountsAt, CountsBytes))) return false;
        for (var slot = 0; slot < FenceCount(refolded); slot++)
            if (!IsCovered(Fence(refolded, slot), shard)) return false;
        return true;
    }

    /// <summary>Nothing is to be replaced: neither shard has anything of what is new.</summary>
    public bool HasNothingNew(ReadOnlySpan<byte> shard, ReadOnlySpan<byte> refolded)
    {
        var old = new Shard(shard);
        var other = new Shard(refolded);
        foreach (var (key, isNew) in _keys)
            if (isNew && !(old.Aggregate(key).IsEmpty && other.Aggregate(key).IsEmpty)) return false;
        return true;
    }

    /// <summary>The shard with its aggregates replaced, and marked as complete; valid until the next call.</summary>
    public ReadOnlySpan<byte> Renew(ReadOnlySpan<byte> shard, ReadOnlySpan<byte> refolded)
    {
        _renewed.Clear();
        _renewed.Add(shard[..Shard.FirstAggregate(shard)]);
        Span<byte> number = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(number, checked((uint)_completeFrom));
        Add(ShardBuffer.CompleteKey, number);
        var old = new Shard(shard);
        var other = new Shard(refolded);
        foreach (var (key, isNew) in _keys) Add(key, isNew ? other.Aggregate(key) : old.Aggregate(key));
        return _renewed[new ArenaRange(0, _renewed.Length)];
    }

    /// <summary>The same shard, marked as complete with what it has.</summary>
    public ReadOnlySpan<byte> Keep(ReadOnlySpan<byte> shard) => Renew(shard, shard);

    internal static bool IsAtOrBelow(long offset, int index, ReadOnlySpan<byte> fence)
    {
        var last = BinaryPrimitives.ReadInt64LittleEndian(fence[8..]);
        return offset < last || offset == last && index <= BinaryPrimitives.ReadInt32LittleEndian(fence[16..]);
    }

    private void Add(uint key, ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty) return;
        var head = _renewed.Append(ShardBuffer.AggregateHeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(head, key);
        BinaryPrimitives.WriteUInt16LittleEndian(head[4..], (ushort)payload.Length);
        _renewed.Add(payload);
    }

    private static bool IsCovered(ReadOnlySpan<byte> last, ReadOnlySpan<byte> shard)
    {
        var (offset, index) = (BinaryPrimitives.ReadInt64LittleEndian(last[8..]), BinaryPrimitives.ReadInt32LittleEndian(last[16..]));
        for (var slot = 0; slot < FenceCount(shard); slot++)
        {
            var fence = Fence(shard, slot);
            if (fence[..8].SequenceEqual(last[..8])) return IsAtOrBelow(offset, index, fence);
        }
        return false;
    }

    private static int FenceCount(ReadOnlySpan<byte> shard) => BinaryPrimitives.ReadUInt16LittleEndian(shard);

    private static ReadOnlySpan<byte> Fence(ReadOnlySpan<byte> shard, int slot) =>
        shard.Slice(ShardBuffer.HeaderBytes + slot * ShardBuffer.FenceBytes, ShardBuffer.FenceBytes);
}
