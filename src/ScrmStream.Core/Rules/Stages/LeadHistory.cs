using System.Buffers.Binary;
using ScrmStream.Events;
using ScrmStream.Profiles;

namespace ScrmStream.Rules.Stages;

/// <summary>How a lead came into a stage.</summary>
public enum StageStep : byte
{
    /// <summary>It was made.</summary>
    Created,
    /// <summary>An event moved it.</summary>
    Event,
    /// <summary>It had been in the stage before for so long.</summary>
    After,
    /// <summary>Its customer had been idle for so long.</summary>
    Idle,
    /// <summary>It stayed where it was; a reminder is due.</summary>
    Reminder,
}

/// <summary>One step of a lead.</summary>
/// <param name="Lead">Its number in the history, from 0.</param>
/// <param name="State">The place of its stage in the pipeline's list.</param>
/// <param name="Previous">The stage before; -1 when the lead was made.</param>
/// <param name="Reminder">The place of the reminder in the pipeline's list; -1 for other steps.</param>
public readonly record struct StageEntry(int Lead, int State, int Previous, long AtMs, StageStep Step, int Reminder);

/// <summary>
/// The leads that one customer ever had in one pipeline, with every step of them in order of time. At most one of them, the last, is open.
/// Scratch of one thread, reused.
/// </summary>
public sealed class LeadHistory
{
    private readonly List<StageEntry> _entries = [];
    private readonly List<(long CreatedMs, int Moment)> _leads = [];
    private readonly byte[] _hashed = new byte[8 * 4];

    /// <summary>When the last reminder of this stage came, and its place among those of the stage.</summary>
    internal (long AtMs, int Place) Reminded { get; private set; }
    internal MomentLine Moments { get; } = new();
    internal RunLine[] Runs { get; set; } = [];

    public IReadOnlyList<StageEntry> Entries => _entries;
    public int LeadCount => _leads.Count;
    /// <summary>When the last lead came into its stage.</summary>
    public long SinceMs { get; private set; }
    /// <summary>The stage of the last lead.</summary>
    public int State { get; private set; }
    /// <summary>The reminder that was due last in this stage; -1: none.</summary>
    public int Reminder { get; private set; }

    /// <summary>When a lead was made, Unix milliseconds.</summary>
    public long CreatedMs(int lead) => _leads[lead].CreatedMs;

    public LeadOrigin Origin(int lead) => new(Moments.Origin(_leads[lead].Moment));

    /// <summary>How many of <see cref="Entries"/> lie at or before a time.</summary>
    public int CountUpTo(long timeMs)
    {
        var count = _entries.Count;
        while (count > 0 && _entries[count - 1].AtMs > timeMs) count--;
        return count;
    }

    /// <summary>Equal for equal histories, with their origins; 0 when there are no leads.</summary>
    public ulong Hash() => Hash(_entries.Count);

    /// <summary>The same of the first entries only.</summary>
    public ulong Hash(int entries)
    {
        ulong hash = 0;
        var room = _hashed.AsSpan();
        for (var i = 0; i < entries; i++)
        {
            var entry = _entries[i];
            BinaryPrimitives.WriteUInt64LittleEndian(room, hash);
            BinaryPrimitives.WriteInt64LittleEndian(room[8..], entry.AtMs);
            BinaryPrimitives.WriteInt32LittleEndian(room[16..], entry.State);
            BinaryPrimitives.WriteInt32LittleEndian(room[20..], entry.Reminder);
            var origin = entry.Step == StageStep.Created ? Fingerprint.Of(Moments.Origin(_leads[entry.Lead].Moment)) : (ulong)entry.Step;
            BinaryPrimitives.WriteUInt64LittleEndian(room[24..], origin);
            hash = Fingerprint.Of(room);
        }
        return entries == 0 ? 0 : Math.Max(1, hash);
    }

    internal void Clear()
    {
        _entries.Clear();
        _leads.Clear();
        (State, Reminder, SinceMs, Reminded) = (-1, -1, 0, default);
    }

    internal void Create(int moment, int state)
    {
        var atMs = Moments[moment].TimeMs;
        _leads.Add((atMs, moment));
        Enter(state, atMs, StageStep.Created);
    }

    internal void Enter(int state, long atMs, StageStep step)
    {
        _entries.Add(new StageEntry(_leads.Count - 1, state, step == StageStep.Created ? -1 : State, atMs, step, -1));
        (State, SinceMs, Reminder, Reminded) = (state, atMs, -1, (atMs, int.MaxValue));
    }

    /// <param name="place">Among the reminders of the stage.</param>
    internal void Remind(int reminder, int place, long atMs)
    {
        _entries.Add(new StageEntry(_leads.Count - 1, State, State, atMs, StageStep.Reminder, reminder));
        (Reminder, Reminded) = (reminder, (atMs, place));
    }
}
