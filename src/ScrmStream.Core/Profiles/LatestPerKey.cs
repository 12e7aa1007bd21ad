using System.Buffers.Binary;
using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// Of the events that passed the filter, the latest time per key: per value of a field, or per calendar day. What leaves a window last
/// is what counts, so the number of keys later than any time can be read off. Ascending by time, then key:
/// <code>time (6) | u64 key        14 bytes each</code>
/// Keys of values are 64-bit fingerprints of their text.
/// </summary>
public sealed class LatestPerKey : TimeList
{
    private const int Bytes = StoredTime.Bytes + 8;

    private readonly EventField? _field;
    private readonly CalendarZone _zone;

    private LatestPerKey(string text, EventField? field, CalendarZone zone, int keep, long horizonMs)
        : base(text, keep, horizonMs, Bytes)
    {
        _field = field;
        _zone = zone;
    }

    public static LatestPerKey OfValues(EventField field, string filter, int keep, long horizonMs) =>
        new($"distinct[{field.Name}; {filter}] keep={keep} horizon={horizonMs}", field, CalendarZone.Shanghai, keep, horizonMs);

    public static LatestPerKey OfDays(CalendarZone zone, string filter, int keep, long horizonMs) =>
        new($"days[{zone.Id}; {filter}] keep={keep} horizon={horizonMs}", null, zone, keep, horizonMs);

    public override IEnumerable<EventField> Fields => _field is null ? [] : [_field];

    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        var timeMs = StoredTime.Clamp(e.EventTimeMs);
        ulong key;
        if (_field is null) key = KeyOfDay(_zone.DayOf(timeMs));
        else
        {
            Span<byte> scratch = stackalloc byte[24];
            if (!_field.TryGetText(batch, in e, scratch, out var text)) return;
            key = Fingerprint.Of(text);
        }
        Add(shard, timeMs, key);
    }

    public override void Load(ShardSet shards, Timeline timeline)
    {
        timeline.Clear();
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            for (var at = 0; at < payload.Length; at += Bytes) timeline.Add(StoredTime.Read(payload[at..]), KeyAt(payload, at));
        }
        timeline.SealPerKey(Keep);
    }

    /// <summary>The calendar day an entry of days stands for.</summary>
    public static int DayOf(Int128 key) => (int)((long)(ulong)key - int.MaxValue);

    // Days before 1970 are negative; keys are not.
    private static ulong KeyOfDay(int day) => (ulong)((long)day + int.MaxValue);

    private static ulong KeyAt(ReadOnlySpan<byte> payload, int at) =>
        BinaryPrimitives.ReadUInt64LittleEndian(payload[(at + StoredTime.Bytes)..]);

    private void Add(ShardBuffer shard, long timeMs, ulong key)
    {
        var payload = shard.Aggregate(Key);
        if (payload.Length > 0 && timeMs <= StoredTime.Read(payload[^Bytes..]) - HorizonMs) return;
        for (var at = payload.Length - Bytes; at >= 0; at -= Bytes)
        {
            if (KeyAt(payload, at) != key) continue;
            if (StoredTime.Read(payload[at..]) >= timeMs) return;
            // Closes the gap and opens one behind the entries that are earlier than the new time.
            var place = at + Bytes;
            while (place < payload.Length && IsBefore(payload, place, timeMs, key)) place += Bytes;
            payload[(at + Bytes)..place].CopyTo(payload[at..]);
            Write(payload[(place - Bytes)..], timeMs, key);
            Trim(shard, payload);
            return;
        }
        Insert(shard, payload, timeMs, key);
    }

    private void Insert(ShardBuffer shard, Span<byte> payload, long timeMs, ulong key)
    {
        var place = payload.Length;
        while (place > 0 && !IsBefore(payload, place - Bytes, timeMs, key)) place -= Bytes;
        if (payload.Length == Keep * Bytes)
        {
            if (place == 0) return;
            payload[Bytes..place].CopyTo(payload);
            Write(payload[(place - Bytes)..], timeMs, key);
        }
        else
        {
            var length = payload.Length;
            payload = shard.ResizeAggregate(Key, length + Bytes);
            payload[place..length].CopyTo(payload[(place + Bytes)..]);
            Write(payload[place..], timeMs, key);
        }
        Trim(shard, payload);
    }

    private void Trim(ShardBuffer shard, Span<byte> payload)
    {
        var oldestMs = StoredTime.Read(payload[^Bytes..]) - HorizonMs;
        var drop = 0;
        while (StoredTime.Read(payload[drop..]) <= oldestMs) drop += Bytes;
        if (drop == 0) return;
        payload[drop..].CopyTo(payload);
        shard.ResizeAggregate(Key, payload.Length - drop);
    }

    private static bool IsBefore(ReadOnlySpan<byte> payload, int at, long timeMs, ulong key)
    {
        var stored = StoredTime.Read(payload[at..]);
        return stored != timeMs ? stored < timeMs : KeyAt(payload, at) < key;
    }

    private static void Write(Span<byte> entry, long timeMs, ulong key)
    {
        StoredTime.Write(entry, timeMs);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[StoredTime.Bytes..], key);
    }
}
