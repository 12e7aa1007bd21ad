using System.Buffers.Binary;
using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// The moments that matter to a pipeline of leads: when which of its triggers came, in order of time. What comes in one millisecond is one
/// moment. Of a trigger that makes leads the moment also says where it came from; of several origins in one millisecond the greatest in
/// order of bytes counts. Kept are the first 96 and the last 288 moments: so the beginning of old leads stays, and what is dropped does
/// not depend on the order of arrival.
/// <code>
/// u16 moments | u16 where the last begins                                                              4 bytes
/// moment      time (6) | u32 triggers, one bit each | u8 length of the origin | origin                11 bytes and the origin
/// </code>
/// Transitions, guards and times are applied when reading, so changing them keeps the state.
/// </summary>
/// <param name="triggers">The triggers' filters in order, as one canonical text.</param>
/// <param name="making">The bits of the triggers that make leads.</param>
public sealed class StageMoments(string triggers, uint making) : Aggregate($"stage_moments[{triggers}] making={making:x}")
{
    public const int TriggersMax = 32;
    public const int KeepFirst = 96, KeepLast = 288;
    private const int Keep = KeepFirst + KeepLast;
    private const int HeaderBytes = 4;
    private const int FixedBytes = StoredTime.Bytes + 5;

    public override int BytesMax => HeaderBytes + Keep * (FixedBytes + LeadOrigin.BytesMax);

    public override string Limit =>
        $"exact for up to {Keep} moments at which its triggers came; beyond that the first {KeepFirst} and the last {KeepLast} count";

    /// <param name="microPoints">The number of the trigger.</param>
    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        var timeMs = StoredTime.Clamp(e.EventTimeMs);
        var bit = 1u << (int)microPoints;
        Span<byte> origin = stackalloc byte[LeadOrigin.BytesMax];
        origin = (making & bit) != 0 ? origin[..LeadOrigin.Write(batch, in e, origin)] : default;
        var payload = shard.Aggregate(Key);
        if (payload.IsEmpty)
        {
            shard.ResizeAggregate(Key, HeaderBytes);
            Insert(shard, HeaderBytes, timeMs, bit, origin);
            return;
        }
        // Most events come last.
        var at = LastStart(payload);
        if (timeMs < StoredTime.Read(payload[at..])) at = HeaderBytes;
        while (at < payload.Length && StoredTime.Read(payload[at..]) < timeMs) at += LengthAt(payload, at);
        if (at < payload.Length && StoredTime.Read(payload[at..]) == timeMs) Join(shard, at, bit, origin);
        else Insert(shard, at, timeMs, bit, origin);
    }

    /// <summary>Fills a line with the moments over all shards.</summary>
    public void Load(ShardSet shards, MomentLine line)
    {
        line.Clear();
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            for (var at = HeaderBytes; at < payload.Length; at += LengthAt(payload, at))
                line.Add(StoredTime.Read(payload[at..]), TriggersAt(payload, at), OriginAt(payload, at));
        }
        line.Seal();
    }

    private void Join(ShardBuffer shard, int at, uint bit, ReadOnlySpan<byte> origin)
    {
        var payload = shard.Aggregate(Key);
        BinaryPrimitives.WriteUInt32LittleEndian(payload[(at + StoredTime.Bytes)..], TriggersAt(payload, at) | bit);
        var old = OriginAt(payload, at);
        if (origin.SequenceCompareTo(old) <= 0) return;
        payload = Splice(shard, at + FixedBytes, old.Length, origin.Length);
        payload[at + FixedBytes - 1] = (byte)origin.Length;
        origin.CopyTo(payload[(at + FixedBytes)..]);
    }

    private void Insert(ShardBuffer shard, int at, long timeMs, uint bit, ReadOnlySpan<byte> origin)
    {
        var isLast = at == shard.Aggregate(Key).Length;
        var payload = Splice(shard, at, 0, FixedBytes + origin.Length);
        StoredTime.Write(payload[at..], timeMs);
        BinaryPrimitives.WriteUInt32LittleEndian(payload[(at + StoredTime.Bytes)..], bit);
        payload[at + FixedBytes - 1] = (byte)origin.Length;
        origin.CopyTo(payload[(at + FixedBytes)..]);
        if (isLast) BinaryPrimitives.WriteUInt16LittleEndian(payload[2..], (ushort)at);
        var count = BinaryPrimitives.ReadUInt16LittleEndian(payload) + 1;
        if (count > Keep)
        {
            var middle = HeaderBytes;
            for (var i = 0; i < KeepFirst; i++) middle += LengthAt(payload, middle);
            payload = Splice(shard, middle, LengthAt(payload, middle), 0);
            count = Keep;
        }
        BinaryPrimitives.WriteUInt16LittleEndian(payload, (ushort)count);
    }

    // Puts so many bytes in the place of others; what lies behind moves, and the start of the last moment with it.
    private Span<byte> Splice(ShardBuffer shard, int at, int removed, int added)
    {
        var length = shard.Aggregate(Key).Length;
        var change = added - removed;
        var payload = change > 0 ? shard.ResizeAggregate(Key, length + change) : shard.Aggregate(Key);
        payload[(at + removed)..length].CopyTo(payload[(at + added)..]);
        if (change < 0) payload = shard.ResizeAggregate(Key, length + change);
        if (LastStart(payload) >= at + removed && LastStart(payload) > 0)
            BinaryPrimitives.WriteUInt16LittleEndian(payload[2..], (ushort)(LastStart(payload) + change));
        return payload;
    }

    private static int LastStart(ReadOnlySpan<byte> payload) => BinaryPrimitives.ReadUInt16LittleEndian(payload[2..]);

    private static int LengthAt(ReadOnlySpan<byte> payload, int at) => FixedBytes + payload[at + FixedBytes - 1];

    private static uint TriggersAt(ReadOnlySpan<byte> payload, int at) =>
        BinaryPrimitives.ReadUInt32LittleEndian(payload[(at + StoredTime.Bytes)..]);

    private static ReadOnlySpan<byte> OriginAt(ReadOnlySpan<byte> payload, int at) =>
        payload.Slice(at + FixedBytes, payload[at + FixedBytes - 1]);
}

/// <summary>One moment of a pipeline of leads.</summary>
/// <param name="Triggers">Which triggers came, one bit each.</param>
public readonly record struct StageMoment(long TimeMs, uint Triggers, int OriginStart, int OriginLength);

/// <summary>The moments of one <see cref="StageMoments"/> over all shards of a customer, in order. Scratch of one thread, reused.</summary>
public sealed class MomentLine
{
    private StageMoment[] _moments = new StageMoment[16];
    private byte[] _origins = new byte[256];
    private int _originsLength;

    public int Count { get; private set; }

    public ref readonly StageMoment this[int i] => ref _moments[i];

    /// <summary>Empty where no trigger that makes leads came.</summary>
    public ReadOnlySpan<byte> Origin(int i) => _origins.AsSpan(_moments[i].OriginStart, _moments[i].OriginLength);

    public void Clear() => Count = _originsLength = 0;

    internal void Add(long timeMs, uint triggers, ReadOnlySpan<byte> origin)
    {
        if (Count == _moments.Length) Array.Resize(ref _moments, Count * 2);
        if (_originsLength + origin.Length > _origins.Length) Array.Resize(ref _origins, _origins.Length * 2);
        origin.CopyTo(_origins.AsSpan(_originsLength));
        _moments[Count++] = new StageMoment(timeMs, triggers, _originsLength, origin.Length);
        _originsLength += origin.Length;
    }

    /// <summary>Joins moments of one time, and applies the limits of one shard to the whole.</summary>
    internal void Seal()
    {
        if (Count == 0) return;
        var moments = _moments.AsSpan(0, Count);
        moments.Sort(static (a, b) => a.TimeMs.CompareTo(b.TimeMs));
        var kept = 0;
        for (var i = 1; i < Count; i++)
        {
            if (moments[i].TimeMs == moments[kept].TimeMs) moments[kept] = Joined(in moments[kept], in moments[i]);
            else moments[++kept] = moments[i];
        }
        Count = kept + 1;
        var drop = Count - StageMoments.KeepFirst - StageMoments.KeepLast;
        if (drop <= 0) return;
        moments[(StageMoments.KeepFirst + drop)..Count].CopyTo(moments[StageMoments.KeepFirst..]);
        Count -= drop;
    }

    private StageMoment Joined(in StageMoment a, in StageMoment b)
    {
        var first = _origins.AsSpan(a.OriginStart, a.OriginLength);
        var greater = first.SequenceCompareTo(_origins.AsSpan(b.OriginStart, b.OriginLength)) >= 0 ? a : b;
        return greater with { Triggers = a.Triggers | b.Triggers };
    }
}
