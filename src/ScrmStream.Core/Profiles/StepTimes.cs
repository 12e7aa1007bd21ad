using System.Buffers.Binary;
using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// The events of a sequence: when each of its steps happened, and with <paramref name="same"/> for which value of that field. A set in
/// order of time, step, key: an entry is kept once, however often it came. The latest 1,024, none that is <paramref name="horizonMs"/>
/// or more behind the latest; both limits only ever drop the oldest.
/// <code>time (6) | u8 step | u64 fingerprint of the field's text, where there is one        7 or 15 bytes each</code>
/// </summary>
/// <param name="steps">The steps' filters in order, as one canonical text.</param>
public sealed class StepTimes(string steps, EventField? same, long horizonMs)
    : Aggregate($"steps[{steps}; same={same?.Name}] horizon={horizonMs}")
{
    private readonly int _entryBytes = StoredTime.Bytes + 1 + (same is null ? 0 : 8);

    public override int BytesMax => TimeList.KeepMax * _entryBytes;

    public override string Limit =>
        $"exact for up to {TimeList.KeepMax:N0} events of its steps in the window; beyond that the latest {TimeList.KeepMax:N0} count";

    public override IEnumerable<EventField> Fields => same is null ? [] : [same];

    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        var entry = new StepEntry(StoredTime.Clamp(e.EventTimeMs), (byte)microPoints, 0);
        if (same is not null)
        {
            Span<byte> scratch = stackalloc byte[24];
            if (!same.TryGetText(batch, in e, scratch, out var text)) return;
            entry = entry with { Key = Fingerprint.Of(text) };
        }
        Add(shard, entry);
    }

    /// <summary>Fills a line with the entries over all shards, by key and time.</summary>
    public void Load(ShardSet shards, StepLine line)
    {
        line.Clear();
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            for (var at = 0; at < payload.Length; at += _entryBytes) line.Add(Read(payload[at..]));
        }
        line.Seal(TimeList.KeepMax);
    }

    private void Add(ShardBuffer shard, StepEntry entry)
    {
        var payload = shard.Aggregate(Key);
        if (payload.Length > 0 && entry.TimeMs <= StoredTime.Read(payload[^_entryBytes..]) - horizonMs) return;
        var place = payload.Length;
        while (place > 0)
        {
            var order = Read(payload[(place - _entryBytes)..]).CompareTo(entry);
            if (order == 0) return;
            if (order < 0) break;
            place -= _entryBytes;
        }
        if (payload.Length == TimeList.KeepMax * _entryBytes)
        {
            if (place == 0) return;
            payload[_entryBytes..place].CopyTo(payload);
            Write(payload[(place - _entryBytes)..], entry);
        }
        else
        {
            var length = payload.Length;
            payload = shard.ResizeAggregate(Key, length + _entryBytes);
            payload[place..length].CopyTo(payload[(place + _entryBytes)..]);
            Write(payload[place..], entry);
        }
        Trim(shard, payload);
    }

    private void Trim(ShardBuffer shard, Span<byte> payload)
    {
        var oldestMs = StoredTime.Read(payload[^_entryBytes..]) - horizonMs;
        var drop = 0;
        while (StoredTime.Read(payload[drop..]) <= oldestMs) drop += _entryBytes;
        if (drop == 0) return;
        payload[drop..].CopyTo(payload);
        shard.ResizeAggregate(Key, payload.Length - drop);
    }

    private StepEntry Read(ReadOnlySpan<byte> entry) => new(
        StoredTime.Read(entry), entry[StoredTime.Bytes],
        same is null ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(entry[(StoredTime.Bytes + 1)..]));

    private void Write(Span<byte> at, StepEntry entry)
    {
        StoredTime.Write(at, entry.TimeMs);
        at[StoredTime.Bytes] = entry.Step;
        if (same is not null) BinaryPrimitives.WriteUInt64LittleEndian(at[(StoredTime.Bytes + 1)..], entry.Key);
    }
}
