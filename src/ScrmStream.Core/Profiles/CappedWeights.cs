using System.Buffers.Binary;
using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// The events of one capped points entry, per calendar period: how many, and the sum of their weights (both are needed to scale the
/// period after folding). Points and cap are applied when reading, so changing them keeps the state.
/// <code>i32 period | i32 epoch | u32 events | Int128 weights     ascending, 28 bytes each, at most 1,024</code>
/// A period that an epoch boundary cuts has two entries. Epochs older than the latest three are dropped, as are the oldest entries
/// beyond 1,024; both only ever drop the oldest.
/// </summary>
public sealed class CappedWeights(DecayClock? clock, CalendarUnit unit, CalendarZone zone, string filter)
    : Aggregate($"capped[{filter}] half_life={clock?.HalfLifeMs ?? 0} per={unit}{(zone == CalendarZone.Shanghai ? "" : $" in={zone.Id}")}")
{
    public const int EntriesMax = 1024;

    private const int EntryBytes = 28;

    public override int BytesMax => EntriesMax * EntryBytes;
    public override string? Limit => clock is null ? $"exact for up to {EntriesMax:N0} periods; older ones no longer count" : null;

    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        var timeMs = StoredTime.Clamp(e.EventTimeMs);
        var period = CalendarPeriod.Of(unit, timeMs, zone);
        var epoch = clock?.EpochOf(timeMs) ?? 0;
        var payload = shard.Aggregate(Key);
        if (payload.IsEmpty || Order(payload[^EntryBytes..], period, epoch) != 0)
        {
            payload = PlaceOf(shard, payload, period, epoch);
            if (payload.IsEmpty) return;
        }
        else payload = payload[^EntryBytes..];
        var events = BinaryPrimitives.ReadUInt32LittleEndian(payload[8..]);
        if (events != uint.MaxValue) BinaryPrimitives.WriteUInt32LittleEndian(payload[8..], events + 1);
        var weights = payload[12..];
        var weight = clock?.Weight(timeMs, epoch) ?? 1;
        BinaryPrimitives.WriteInt128LittleEndian(weights, BinaryPrimitives.ReadInt128LittleEndian(weights) + weight);
    }

    public CalendarUnit Unit => unit;

    /// <summary>
    /// The micro points as of a time, over all shards: each period's sum scaled by min(1, cap / |raw sum|); a cap of 0 is none.
    /// </summary>
    public double Read(ShardSet shards, long atMs, long addMicro, long capMicro, PeriodLedger ledger) =>
        Read(shards, atMs, addMicro, capMicro, ledger, null);

    /// <summary>The same; with a group's ledger everything goes there, period by period, and the answer is 0.</summary>
    internal double Read(ShardSet shards, long atMs, long addMicro, long capMicro, PeriodLedger ledger, GroupLedger? into)
    {
        ledger.Clear();
        for (var i = 0; i < shards.Count; i++) ledger.Add(shards[i].Aggregate(Key));
        ledger.Seal();
        var total = 0.0;
        for (int i = 0, end; i < ledger.Count; i = end)
        {
            long events = 0;
            var weighted = 0.0;
            for (end = i; end < ledger.Count && ledger[end].Period == ledger[i].Period; end++)
            {
                ref readonly var part = ref ledger[end];
                events += part.Events;
                weighted += clock is null ? (double)part.Weights : clock.Read((double)part.Weights, part.Epoch, atMs);
            }
            var raw = (double)addMicro * events;
            var kept = Cap.Factor(raw, capMicro);
            if (into is null) total += weighted * addMicro * kept;
            else into.Add(unit, ledger[i].Period, raw * kept, weighted * addMicro * kept);
        }
        return total;
    }

    // The entry of a period and epoch, added when needed; empty when it is older than what is kept.
    private Span<byte> PlaceOf(ShardBuffer shard, Span<byte> payload, int period, int epoch)
    {
        var count = payload.Length / EntryBytes;
        var latestEpoch = count == 0 ? epoch : Math.Max(epoch, EpochOf(payload[^EntryBytes..]));
        var oldestEpoch = latestEpoch - (DecayedPoints.EpochsKept - 1);
        if (epoch < oldestEpoch) return default;
        var drop = 0;
        while (drop < count && EpochOf(payload[(drop * EntryBytes)..]) < oldestEpoch) drop++;
        var place = count;
        while (place > drop && Order(payload[((place - 1) * EntryBytes)..], period, epoch) >= 0) place--;
        if (place < count && Order(payload[(place * EntryBytes)..], period, epoch) == 0)
        {
            return payload.Slice(place * EntryBytes, EntryBytes);
        }
        if (count - drop == EntriesMax)
        {
            if (place == drop) return default;
            drop++;
        }
        if (drop == 0) payload = shard.ResizeAggregate(Key, payload.Length + EntryBytes);
        else payload[(drop * EntryBytes)..(place * EntryBytes)].CopyTo(payload);
        payload[(place * EntryBytes)..(count * EntryBytes)].CopyTo(payload[((place - drop + 1) * EntryBytes)..]);
        if (drop > 1) payload = shard.ResizeAggregate(Key, (count - drop + 1) * EntryBytes);
        var entry = payload.Slice((place - drop) * EntryBytes, EntryBytes);
        entry.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(entry, period);
        BinaryPrimitives.WriteInt32LittleEndian(entry[4..], epoch);
        return entry;
    }

    private static int EpochOf(ReadOnlySpan<byte> entry) => BinaryPrimitives.ReadInt32LittleEndian(entry[4..]);

    private static int Order(ReadOnlySpan<byte> entry, int period, int epoch)
    {
        var order = BinaryPrimitives.ReadInt32LittleEndian(entry).CompareTo(period);
        return order != 0 ? order : EpochOf(entry).CompareTo(epoch);
    }

    internal static PeriodLedger.Part ReadPart(ReadOnlySpan<byte> payload, int i)
    {
        var entry = payload.Slice(i * EntryBytes, EntryBytes);
        return new PeriodLedger.Part(
            BinaryPrimitives.ReadInt32LittleEndian(entry), EpochOf(entry),
            BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]), BinaryPrimitives.ReadInt128LittleEndian(entry[12..]));
    }

    internal static int PartsIn(ReadOnlySpan<byte> payload) => payload.Length / EntryBytes;
}
