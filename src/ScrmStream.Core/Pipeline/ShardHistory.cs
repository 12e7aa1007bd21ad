using System.Buffers.Binary;
using ScrmStream.Events;
using ScrmStream.Profiles;

namespace ScrmStream.Pipeline;

/// <summary>What a shard already holds of an event.</summary>
public enum EventHistory : byte
{
    /// <summary>Never seen here: fold it.</summary>
    New,
    /// <summary>Another record with this event_id was accepted before: drop it as a duplicate.</summary>
    DuplicateId,
    /// <summary>This very record was folded before (a replay after a crash or by another process).</summary>
    Folded,
    /// <summary>This very record was dropped as a duplicate before.</summary>
    FoldedAsDuplicate,
    /// <summary>This very record was folded or dropped before, and the ring no longer knows which: its row was stored.</summary>
    Forgotten,
}

/// <summary>
/// The fences and the event_id ring of a shard: they travel in the same cell as the state, so that a repeat is known under crash,
/// replay and zombies. Stateless but for the committed offsets; owned by the deciding thread.
/// </summary>
/// <param name="stored">Verdicts that stand; null: the ring decides.</param>
public sealed class ShardHistory(int ringEntries, StoredVerdicts? stored = null)
{
    private const ushort DroppedBit = 0x8000;
    private const int IndexMask = 0x7FFF;
    private readonly Dictionary<ulong, long> _committed = [];

    /// <summary>Offsets below <paramref name="next"/> are durable, so ring entries below it may be evicted.</summary>
    public void Committed(ulong partition, long next) => _committed[partition] = next;

    /// <summary>Looks an event up, and notes it in the fence and the ring.</summary>
    public EventHistory Enter(ShardBuffer shard, in SourcePosition at, ulong eventIdHash)
    {
        var slot = FenceSlot(shard, at.Partition.Id, out var isNew);
        var fence = shard.Fence(slot);
        if (!isNew && IsAtOrBelow(fence, in at)) return ReplayedVerdict(shard, slot, in at, eventIdHash);
        BinaryPrimitives.WriteUInt64LittleEndian(fence, at.Partition.Id);
        BinaryPrimitives.WriteInt64LittleEndian(fence[8..], at.Offset);
        BinaryPrimitives.WriteInt32LittleEndian(fence[16..], at.Index);
        if (eventIdHash == 0) return EventHistory.New;
        var isDuplicate = stored?.IsDuplicate(in at) ?? Find(shard, eventIdHash) >= 0;
        Evict(shard);
        var entry = shard.AddRingEntry();
        BinaryPrimitives.WriteUInt64LittleEndian(entry, eventIdHash);
        BinaryPrimitives.WriteInt64LittleEndian(entry[8..], at.Offset);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[16..], (ushort)slot);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[18..], (ushort)(at.Index & IndexMask | (isDuplicate ? DroppedBit : 0)));
        return isDuplicate ? EventHistory.DuplicateId : EventHistory.New;
    }

    /// <summary>The hash under which an event_id is kept; 0 for an absent or empty one, which never is a duplicate.</summary>
    public static ulong HashOf(ReadOnlySpan<byte> eventId) => eventId.IsEmpty ? 0 : Math.Max(Fingerprint.Of(eventId), 1);

    private static int FenceSlot(ShardBuffer shard, ulong partition, out bool isNew)
    {
        var count = shard.FenceCount;
        for (var slot = 0; slot < count; slot++)
        {
            if (BinaryPrimitives.ReadUInt64LittleEndian(shard.Fence(slot)) != partition) continue;
            isNew = false;
            return slot;
        }
        isNew = true;
        return shard.AddFence();
    }

    private static bool IsAtOrBelow(ReadOnlySpan<byte> fence, in SourcePosition at)
    {
        var offset = BinaryPrimitives.ReadInt64LittleEndian(fence[8..]);
        return at.Offset < offset || at.Offset == offset && at.Index <= BinaryPrimitives.ReadInt32LittleEndian(fence[16..]);
    }

    private static EventHistory ReplayedVerdict(ShardBuffer shard, int slot, in SourcePosition at, ulong eventIdHash)
    {
        if (eventIdHash == 0) return EventHistory.Folded;
        for (var i = 0; i < shard.RingCount; i++)
        {
            ReadOnlySpan<byte> entry = shard.RingEntry(i);
            var index = BinaryPrimitives.ReadUInt16LittleEndian(entry[18..]);
            var isThis = BinaryPrimitives.ReadUInt64LittleEndian(entry) == eventIdHash
                && BinaryPrimitives.ReadInt64LittleEndian(entry[8..]) == at.Offset
                && BinaryPrimitives.ReadUInt16LittleEndian(entry[16..]) == slot && (index & IndexMask) == (at.Index & IndexMask);
            if (isThis) return (index & DroppedBit) != 0 ? EventHistory.FoldedAsDuplicate : EventHistory.Folded;
        }
        // Whoever lost the partition while it had records under way meets those again that the next owner has committed meanwhile;
        // and a crash may come before the broker has taken a commit.
        return EventHistory.Forgotten;
    }

    private static int Find(ShardBuffer shard, ulong eventIdHash)
    {
        for (var i = shard.RingCount - 1; i >= 0; i--)
            if (BinaryPrimitives.ReadUInt64LittleEndian(shard.RingEntry(i)) == eventIdHash) return i;
        return -1;
    }

    // The oldest entries go first, but none that an uncommitted record may be replayed against.
    private void Evict(ShardBuffer shard)
    {
        while (shard.RingCount >= ringEntries)
        {
            ReadOnlySpan<byte> oldest = shard.RingEntry(0);
            var partition = BinaryPrimitives.ReadUInt64LittleEndian(shard.Fence(BinaryPrimitives.ReadUInt16LittleEndian(oldest[16..])));
            if (!_committed.TryGetValue(partition, out var next) || BinaryPrimitives.ReadInt64LittleEndian(oldest[8..]) >= next) return;
            shard.RemoveRingEntry(0);
        }
    }
}
