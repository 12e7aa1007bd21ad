using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// What the pipeline has done so far. Written by the deciding thread and the poll thread, read by anyone (a reader may see a count
/// a moment old, never a torn one).
/// </summary>
public sealed class PipelineCounters
{
    private long _ruleDifferences = -1;
    private volatile bool _isRuleFileBad;
    private long _repeats, _droppedIdentifiers, _identifiers, _openEvents;
    private long _flushes, _conflicts, _refusals, _startsOver;

    /// <summary>What each stage took, passed on, set aside and still has.</summary>
    public StageBooks Books { get; } = new();

    public long PolledRecords => Books.Look().PolledRecords;
    /// <summary>Events accepted and durable.</summary>
    public long Accepted => Books.Look().AcceptedEvents;
    /// <summary>Events (accepted or rejected) that are durable.</summary>
    public long DurableEvents
    {
        get
        {
            var page = Books.Look();
            return page.AcceptedEvents + page.DuplicateEvents + page.CommittedRejects;
        }
    }

    /// <summary>Records whose offsets may be committed.</summary>
    public long DurableRecords => Books.Look().CommittedRecords;
    /// <summary>Accepted events that state held already, from before a restart.</summary>
    public long Repeats => Volatile.Read(ref _repeats);
    public long DroppedIdentifiers => Volatile.Read(ref _droppedIdentifiers);
    public long Flushes => Volatile.Read(ref _flushes);
    public long Conflicts => Volatile.Read(ref _conflicts);
    public long Refusals => Volatile.Read(ref _refusals);
    /// <summary>How often reading started over because another process appeared while rows were ahead of their cells.</summary>
    public long StartsOver => Volatile.Read(ref _startsOver);
    /// <summary>Events decided that wait to be durable.</summary>
    public long OpenEvents => Volatile.Read(ref _openEvents);
    /// <summary>Identifiers in memory.</summary>
    public long Identifiers => Volatile.Read(ref _identifiers);

    /// <summary>What the last audit of the rules found; -1 while there was none. Written by whoever audits.</summary>
    public long RuleDifferences
    {
        get => Volatile.Read(ref _ruleDifferences);
        set => Volatile.Write(ref _ruleDifferences, value);
    }

    /// <summary>The rule file has changed and is not right. Written by whoever looks at it.</summary>
    public bool IsRuleFileBad
    {
        get => _isRuleFileBad;
        set => _isRuleFileBad = value;
    }

    public long RejectedBy(RejectReason reason) => Books.RejectedBy(reason);

    public long Rejected => Enum.GetValues<RejectReason>().Sum(RejectedBy);

    /// <summary>What is not durable is polled again.</summary>
    internal void StartOver()
    {
        Books.StartOver();
        Interlocked.Increment(ref _startsOver);
    }

    internal void SetState(long identifiers, long openEvents)
    {
        Volatile.Write(ref _identifiers, identifiers);
        Volatile.Write(ref _openEvents, openEvents);
    }

    internal void AddConflict() => Interlocked.Increment(ref _conflicts);

    internal void AddRefusal() => Interlocked.Increment(ref _refusals);

    internal void AddRepeats(long repeats) => Interlocked.Add(ref _repeats, repeats);

    internal void AddDurable(Flush flush)
    {
        Books.Committed(flush.Tally);
        Interlocked.Add(ref _droppedIdentifiers, flush.Tally.DroppedIdentifiers);
        Interlocked.Increment(ref _flushes);
    }
}
