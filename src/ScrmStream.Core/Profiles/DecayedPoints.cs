using System.Buffers.Binary;
using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// The uncapped points of one score. With a half-life: per epoch the sum of (micro points x weight), of the latest three epochs;
/// what is older has lost at least 64 halvings. Without: one plain sum, under epoch 0.
/// <code>i32 epoch | Int128 sum        ascending, 20 bytes each</code>
/// Sums wrap around at 128 bits, which is still order-free; it takes 1.9 billion events of one anchor at the greatest points.
/// </summary>
public sealed class DecayedPoints(DecayClock? clock, string entries)
    : Aggregate($"points[{entries}] half_life={clock?.HalfLifeMs ?? 0}")
{
    public const int EpochsKept = 3;

    private const int EntryBytes = 20;

    public override int BytesMax => EpochsKept * EntryBytes;

    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        var timeMs = StoredTime.Clamp(e.EventTimeMs);
        var payload = shard.Aggregate(Key);
        var latest = payload.IsEmpty ? int.MinValue : EpochAt(payload, payload.Length - EntryBytes);
        var epoch = clock is null ? 0 : !payload.IsEmpty && clock.IsIn(latest, timeMs) ? latest : clock.EpochOf(timeMs);
        var points = clock is null ? microPoints : (Int128)microPoints * clock.Weight(timeMs, epoch);
        if (payload.IsEmpty || latest != epoch)
        {
            payload = PlaceOf(shard, payload, epoch);
            if (payload.IsEmpty) return;
        }
        else payload = payload[^EntryBytes..];
        var sum = payload[4..];
        BinaryPrimitives.WriteInt128LittleEndian(sum, BinaryPrimitives.ReadInt128LittleEndian(sum) + points);
    }

    /// <summary>The micro points as of a time, over all shards.</summary>
    public double Read(ShardSet shards, long atMs)
    {
        Span<Int128> sums = stackalloc Int128[EpochsKept];
        sums.Clear();
        var latest = long.MinValue / 2;
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            for (var at = payload.Length - EntryBytes; at >= 0; at -= EntryBytes)
            {
                var epoch = EpochAt(payload, at);
                if (epoch > latest) MakeRoom(sums, epoch - latest);
                latest = Math.Max(latest, epoch);
                if (latest - epoch < EpochsKept)
                {
                    sums[(int)(latest - epoch)] += BinaryPrimitives.ReadInt128LittleEndian(payload[(at + 4)..]);
                }
            }
        }
        if (clock is null) return (double)sums[0];
        var total = 0.0;
        for (var age = EpochsKept - 1; age >= 0; age--)
        {
            if (sums[age] != 0) total += clock.Read((double)sums[age], (int)latest - age, atMs);
        }
        return total;
    }

    // Moves the sums of epochs that have become older by some epochs; those too old are lost.
    private static void MakeRoom(Span<Int128> sums, long epochs)
    {
        for (var age = EpochsKept - 1; age >= 0; age--) sums[age] = age >= epochs ? sums[(int)(age - epochs)] : 0;
    }

    private static int EpochAt(ReadOnlySpan<byte> payload, int at) => BinaryPrimitives.ReadInt32LittleEndian(payload[at..]);

    // The entry of an epoch, added when needed; empty when the epoch is older than what is kept.
    private Span<byte> PlaceOf(ShardBuffer shard, ReadOnlySpan<byte> payload, int epoch)
    {
        var oldest = Math.Max(epoch, payload.IsEmpty ? epoch : EpochAt(payload, payload.Length - EntryBytes)) - (EpochsKept - 1);
        if (epoch < oldest) return default;
        Span<byte> kept = stackalloc byte[(EpochsKept + 1) * EntryBytes];
        int length = 0, place = -1;
        for (var at = 0; at < payload.Length; at += EntryBytes)
        {
            var stored = EpochAt(payload, at);
            if (stored < oldest) continue;
            if (place < 0 && stored >= epoch)
            {
                place = length;
                if (stored > epoch) length = AppendNew(kept, length, epoch);
            }
            payload.Slice(at, EntryBytes).CopyTo(kept[length..]);
            length += EntryBytes;
        }
        if (place < 0)
        {
            place = length;
            length = AppendNew(kept, length, epoch);
        }
        var written = shard.ResizeAggregate(Key, length);
        kept[..length].CopyTo(written);
        return written.Slice(place, EntryBytes);
    }

    private static int AppendNew(Span<byte> kept, int length, int epoch)
    {
        kept.Slice(length, EntryBytes).Clear();
        BinaryPrimitives.WriteInt32LittleEndian(kept[length..], epoch);
        return length + EntryBytes;
    }
}
