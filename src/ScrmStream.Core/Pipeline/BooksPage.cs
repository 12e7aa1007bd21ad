namespace ScrmStream.Pipeline;

/// <summary>
/// The accounts of a process at one moment, since its start. What another process had read before, and what this one gave back to be read
/// again, is in none of them.
/// </summary>
public record struct BooksPage
{
    /// <summary>Records fetched.</summary>
    public long PolledRecords { get; internal set; }
    /// <summary>Records fetched and not decoded.</summary>
    public long DecodingRecords { get; internal set; }

    /// <summary>Good events found in records.</summary>
    public long DecodedEvents { get; internal set; }
    /// <summary>Bad events and bad records found.</summary>
    public long DecodedRejects { get; internal set; }

    /// <summary>Records decoded that wait to be folded, for the first time or again; and what is in them.</summary>
    public long DecidingRecords { get; internal set; }
    /// <inheritdoc cref="DecidingRecords"/>
    public long DecidingEvents { get; internal set; }
    /// <inheritdoc cref="DecidingRecords"/>
    public long DecidingRejects { get; internal set; }

    /// <summary>Records folded and not yet durable in every store; and what is in them.</summary>
    public long WritingRecords { get; internal set; }
    /// <inheritdoc cref="WritingRecords"/>
    public long WritingEvents { get; internal set; }
    /// <inheritdoc cref="WritingRecords"/>
    public long WritingRejects { get; internal set; }

    /// <summary>Records whose offsets may be committed; and what became of what was in them.</summary>
    public long CommittedRecords { get; internal set; }
    /// <summary>Good events that count.</summary>
    public long AcceptedEvents { get; internal set; }
    /// <summary>Good events with an event_id that their anchor had already.</summary>
    public long DuplicateEvents { get; internal set; }
    /// <summary>Bad events and records whose letters are written.</summary>
    public long CommittedRejects { get; internal set; }

    /// <summary>Rows of events acknowledged by the tables; duplicates are rows too, hidden ones.</summary>
    public long RowsWritten { get; internal set; }
    /// <summary>Of these, rows that another process, or this one before it started over, had stored.</summary>
    public long RowsFound { get; internal set; }
    /// <summary>Rows that the tables refuse for what is in them, each of which has a letter instead; their events count in state.</summary>
    public long RowsRefused { get; internal set; }
    /// <summary>Of both, rows whose records are not committed yet.</summary>
    public long RowsAhead { get; internal set; }
    /// <summary>Of both, rows of records that were read and judged again.</summary>
    public long RowsRepeated { get; internal set; }

    /// <summary>Dead letters acknowledged by their topic and table.</summary>
    public long LettersWritten { get; internal set; }
    /// <inheritdoc cref="RowsAhead"/>
    public long LettersAhead { get; internal set; }
    /// <inheritdoc cref="RowsRepeated"/>
    public long LettersRepeated { get; internal set; }

    /// <summary>Rows and letters of records that were read and judged again.</summary>
    public readonly long Repeated => RowsRepeated + LettersRepeated;

    /// <summary>Records fetched and not yet durable.</summary>
    public readonly long PendingRecords => DecodingRecords + DecidingRecords + WritingRecords;

    /// <summary>
    /// By how much the accounts are off; 0: in each stage in = out + rejected + pending, no row and no letter is missing for what is
    /// committed, and no account is below zero.
    /// </summary>
    public readonly long Difference =>
        Off(PolledRecords, PendingRecords + CommittedRecords)
        + Off(DecodedEvents, DecidingEvents + WritingEvents + AcceptedEvents + DuplicateEvents)
        + Off(DecodedRejects, DecidingRejects + WritingRejects + CommittedRejects)
        + Off(RowsWritten + RowsRefused, AcceptedEvents + DuplicateEvents + RowsAhead + RowsRepeated)
        + Off(LettersWritten, CommittedRejects + LettersAhead + LettersRepeated)
        + Below(DecodingRecords) + Below(DecidingRecords) + Below(DecidingEvents) + Below(DecidingRejects)
        + Below(WritingRecords) + Below(WritingEvents) + Below(WritingRejects) + Below(RowsAhead) + Below(LettersAhead);

    private static long Off(long came, long accounted) => Math.Abs(came - accounted);

    private static long Below(long account) => Math.Max(0, -account);
}
