using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Profiles;

namespace ScrmStream.Rules.Actions;

/// <summary>
/// What actions look back on: the latest events that matter to them, each with the fields that do, and beside them, in aggregates of
/// their own, what all earlier ones add up to. So the state of any moment since the first of these events is the earlier ones with those
/// up to that moment added, whatever the rules ask for. A function of the set of events: the latest ones are those of the latest times
/// that the limits have room for.
/// <code>
/// head        time (6) up to which events are added up | u16 events | u16 place of the last                              10 B
/// event       u16 bytes | time (6) | u8 channel | u16 steps | u16 step each | per field u8 number | u16 bytes | memo
/// </code>
/// </summary>
internal sealed class RecentEvents : Aggregate
{
    private const int HeadBytes = 10, EventHeadBytes = 11, FieldHeadBytes = 3, FieldsMax = 64;

    private readonly FoldStep[] _steps;
    private readonly ulong[] _fieldsOfStep;
    private readonly EventField[] _fields;
    private readonly FoldProgram _program;
    private readonly MemoryLimits _limits;

    public RecentEvents(IReadOnlyList<FoldStep> steps, MemoryLimits limits) : base(TextOf(steps, limits))
    {
        _steps = [.. steps];
        _limits = limits;
        _fields = [.. steps.SelectMany(s => s.Aggregate.Fields).DistinctBy(f => f.Name)];
        if (_fields.Length > FieldsMax)
            throw new ExpressionException(0, $"actions look back on more than {FieldsMax} fields of events");
        _fieldsOfStep = [.. steps.Select(s => s.Aggregate.Fields.Aggregate(0UL, (bits, f) => bits | 1UL << NumberOf(f)))];
        // What a step weighs is looked up by its number.
        _program = new FoldProgram([.. steps.Select((s, i) => s with { MicroPoints = i })]);
        Filter = EventFilter.OneOf(steps.Select(s => s.Filter!));
    }

    /// <summary>The events that matter.</summary>
    public EventFilter Filter { get; }

    /// <summary>What the earlier events add up to.</summary>
    public IEnumerable<Aggregate> Earlier => _steps.Select(s => s.Aggregate).Distinct();

    public override int BytesMax => HeadBytes + _limits.Bytes;

    public override string Limit =>
        $"the latest {_limits.Events:N0} events or {_limits.Bytes:N0} bytes, none {_limits.HorizonMs / RuleDuration.DayMs:N0} days or more "
        + "behind the latest; what lies before is not looked at moment by moment";

    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        Span<ushort> matched = stackalloc ushort[_steps.Length];
        var steps = Matched(batch, in e, matched);
        var timeMs = StoredTime.Clamp(e.EventTimeMs);
        var payload = shard.Aggregate(Key);
        if (steps.IsEmpty) return;
        if (!payload.IsEmpty && timeMs <= AddedUpTo(payload))
        {
            AddUp(shard, batch, in e, steps);
            return;
        }
        Insert(shard, batch, in e, timeMs, steps);
        while (IsTooMuch(shard.Aggregate(Key))) AddUpOldest(shard);
    }

    /// <summary>The time up to which events are only known added up; <see cref="long.MinValue"/>: all are known.</summary>
    public static long AddedUpTo(ReadOnlySpan<byte> payload) =>
        payload.IsEmpty || StoredTime.Read(payload) == StoredTime.Clamp(long.MinValue) ? long.MinValue : StoredTime.Read(payload);

    /// <summary>The place of the first event.</summary>
    public static int First => HeadBytes;

    /// <summary>The time of the event at a place; <see cref="long.MaxValue"/> behind the last.</summary>
    public static long TimeAt(ReadOnlySpan<byte> payload, int at) =>
        at < payload.Length ? StoredTime.Read(payload[(at + 2)..]) : long.MaxValue;

    /// <summary>Adds the event at a place to a shard's aggregates, counts it there, and returns the place of the next.</summary>
    /// <param name="scratch">Room for one event.</param>
    public int AddUp(ReadOnlySpan<byte> payload, int at, ShardBuffer shard, EventBatch scratch)
    {
        var stored = payload.Slice(at, BinaryPrimitives.ReadUInt16LittleEndian(payload[at..]));
        shard.Count(StoredTime.Read(stored[2..]), stored[8]);
        AddUpStored(stored, shard, scratch);
        return at + stored.Length;
    }

    private ReadOnlySpan<ushort> Matched(EventBatch batch, in TrackingEvent e, Span<ushort> matched)
    {
        var count = 0;
        foreach (var step in _program.StepsFor(batch.Text(e.Name)))
            if (step.Filter is null || step.Filter.Matches(batch, in e)) matched[count++] = (ushort)step.MicroPoints;
        return matched[..count];
    }

    private void AddUp(ShardBuffer shard, EventBatch batch, in TrackingEvent e, ReadOnlySpan<ushort> steps)
    {
        foreach (var step in steps) _steps[step].Aggregate.Add(shard, batch, in e, _steps[step].MicroPoints);
    }

    // Most events come last. Those of one time lie in order of their bytes, so that the order of arrival leaves no trace.
    private void Insert(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long timeMs, ReadOnlySpan<ushort> steps)
    {
        var fields = 0UL;
        foreach (var step in steps) fields |= _fieldsOfStep[step];
        var bytes = Measure(batch, in e, steps.Length, fields);
        var old = shard.Aggregate(Key).Length;
        // Too long to be put down: everything up to its time is added up.
        if (Math.Max(old, HeadBytes) + bytes > ushort.MaxValue)
        {
            AddUpAll(shard, timeMs);
            AddUp(shard, batch, in e, steps);
            return;
        }
        var payload = shard.ResizeAggregate(Key, Math.Max(old, HeadBytes) + bytes);
        if (old == 0) StoredTime.Write(payload, StoredTime.Clamp(long.MinValue));
        var end = Math.Max(old, HeadBytes);
        Write(payload[end..], batch, in e, timeMs, steps, fields);
        var last = BinaryPrimitives.ReadUInt16LittleEndian(payload[8..]);
        BinaryPrimitives.WriteUInt16LittleEndian(payload[6..], (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(payload[6..]) + 1));
        if (old <= HeadBytes || timeMs > TimeAt(payload, last))
        {
            BinaryPrimitives.WriteUInt16LittleEndian(payload[8..], (ushort)end);
            return;
        }
        PutInPlace(payload, end, last);
    }

    // The new event stands at the end and belongs further in front.
    private static void PutInPlace(Span<byte> payload, int end, int last)
    {
        Span<byte> added = stackalloc byte[payload.Length - end];
        payload[end..].CopyTo(added);
        var place = HeadBytes;
        while (place < end && IsBefore(payload[place..], added)) place += BinaryPrimitives.ReadUInt16LittleEndian(payload[place..]);
        payload[place..end].CopyTo(payload[(place + added.Length)..]);
        added.CopyTo(payload[place..]);
        BinaryPrimitives.WriteUInt16LittleEndian(payload[8..], (ushort)(place == end ? end : last + added.Length));
    }

    private static bool IsBefore(ReadOnlySpan<byte> stored, ReadOnlySpan<byte> added)
    {
        var (time, other) = (StoredTime.Read(stored[2..]), StoredTime.Read(added[2..]));
        if (time != other) return time < other;
        return stored[..BinaryPrimitives.ReadUInt16LittleEndian(stored)].SequenceCompareTo(added) < 0;
    }

    private int Measure(EventBatch batch, in TrackingEvent e, int steps, ulong fields)
    {
        var bytes = EventHeadBytes + 2 * steps;
        for (var field = 0; field < _fields.Length; field++)
        {
            if ((fields >> field & 1) == 0) continue;
            var memo = _fields[field].MemoBytes(batch, in e);
            if (memo >= 0) bytes += FieldHeadBytes + memo;
        }
        return bytes;
    }

    private void Write(Span<byte> to, EventBatch batch, in TrackingEvent e, long timeMs, ReadOnlySpan<ushort> steps, ulong fields)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)to.Length);
        StoredTime.Write(to[2..], timeMs);
        to[8] = (byte)e.Channel;
        BinaryPrimitives.WriteUInt16LittleEndian(to[9..], (ushort)steps.Length);
        for (var i = 0; i < steps.Length; i++) BinaryPrimitives.WriteUInt16LittleEndian(to[(EventHeadBytes + 2 * i)..], steps[i]);
        var at = EventHeadBytes + 2 * steps.Length;
        for (var field = 0; field < _fields.Length; field++)
        {
            if ((fields >> field & 1) == 0 || _fields[field].MemoBytes(batch, in e) is var memo && memo < 0) continue;
            to[at] = (byte)field;
            BinaryPrimitives.WriteUInt16LittleEndian(to[(at + 1)..], (ushort)memo);
            _fields[field].WriteMemo(batch, in e, to.Slice(at + FieldHeadBytes, memo));
            at += FieldHeadBytes + memo;
        }
    }

    // Of events of one time all are added up or none.
    private bool IsTooMuch(ReadOnlySpan<byte> payload)
    {
        if (payload.Length <= HeadBytes) return false;
        var firstMs = TimeAt(payload, HeadBytes);
        return payload.Length - HeadBytes > _limits.Bytes || BinaryPrimitives.ReadUInt16LittleEndian(payload[6..]) > _limits.Events
            || firstMs <= TimeAt(payload, BinaryPrimitives.ReadUInt16LittleEndian(payload[8..])) - _limits.HorizonMs
            || firstMs <= AddedUpTo(payload);
    }

    private void AddUpAll(ShardBuffer shard, long upToMs)
    {
        while (TimeAt(shard.Aggregate(Key), HeadBytes) <= upToMs) AddUpOldest(shard);
        StoredTime.Write(shard.ResizeAggregate(Key, Math.Max(HeadBytes, shard.Aggregate(Key).Length)), upToMs);
    }

    private void AddUpOldest(ShardBuffer shard)
    {
        var payload = shard.Aggregate(Key);
        int bytes = BinaryPrimitives.ReadUInt16LittleEndian(payload[HeadBytes..]);
        Span<byte> oldest = stackalloc byte[bytes];
        payload.Slice(HeadBytes, bytes).CopyTo(oldest);
        StoredTime.Write(payload, StoredTime.Read(oldest[2..]));
        BinaryPrimitives.WriteUInt16LittleEndian(payload[6..], (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(payload[6..]) - 1));
        var last = BinaryPrimitives.ReadUInt16LittleEndian(payload[8..]);
        BinaryPrimitives.WriteUInt16LittleEndian(payload[8..], (ushort)Math.Max(HeadBytes, last - bytes));
        payload[(HeadBytes + bytes)..].CopyTo(payload[HeadBytes..]);
        shard.ResizeAggregate(Key, payload.Length - bytes);
        AddUpStored(oldest, shard, shard.Recalled);
    }

    private void AddUpStored(ReadOnlySpan<byte> stored, ShardBuffer shard, EventBatch scratch)
    {
        int steps = BinaryPrimitives.ReadUInt16LittleEndian(stored[9..]);
        Span<ushort> matched = stackalloc ushort[steps];
        for (var i = 0; i < steps; i++) matched[i] = BinaryPrimitives.ReadUInt16LittleEndian(stored[(EventHeadBytes + 2 * i)..]);
        Recall(stored, EventHeadBytes + 2 * steps, scratch);
        AddUp(shard, scratch, in scratch.Events[0], matched);
    }

    private void Recall(ReadOnlySpan<byte> stored, int firstField, EventBatch scratch)
    {
        scratch.Clear();
        var start = scratch.Copied(stored).Start;
        ref var e = ref scratch.Next(0, 0);
        e.EventTimeMs = StoredTime.Read(stored[2..]);
        e.Channel = (Channel)stored[8];
        for (var at = firstField; at < stored.Length;)
        {
            int bytes = BinaryPrimitives.ReadUInt16LittleEndian(stored[(at + 1)..]);
            _fields[stored[at]].Recall(scratch, ref e, new TextRange(start + at + FieldHeadBytes, bytes));
            at += FieldHeadBytes + bytes;
        }
        scratch.Accept();
    }

    private int NumberOf(EventField field) => Array.FindIndex(_fields, f => f.Name == field.Name);

    private static string TextOf(IReadOnlyList<FoldStep> steps, MemoryLimits limits)
    {
        var all = string.Join('\n', steps.Select(s => $"{s.Filter!.Text} {s.MicroPoints} {s.Aggregate.Text}"));
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all)))[..32];
        return $"recent[{hash}] events={limits.Events} bytes={limits.Bytes} horizon={limits.HorizonMs}";
    }
}

/// <summary>How far actions look back, event by event, for each identifier.</summary>
/// <param name="Bytes">At most 30,000.</param>
/// <param name="LateMs">
/// What comes to light at most so much behind the time that is decided already is decided too; later it is passed over.
/// </param>
public readonly record struct MemoryLimits(int Events, int Bytes, long HorizonMs, long LateMs)
{
    private const long Ever = 1L << 60;

    /// <summary>Of a run: what is decided lies seconds back, and what comes late mostly less than a day.</summary>
    public static MemoryLimits Run { get; } = new(256, 8_192, 3 * RuleDuration.DayMs, RuleDuration.DayMs);

    /// <summary>Where all is decided at the end.</summary>
    public static MemoryLimits Replay { get; } = new(4_096, 30_000, Ever, Ever);
}
