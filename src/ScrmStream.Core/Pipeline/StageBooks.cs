using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// The books of a process: what came to each stage went on, was set aside, or is still there. Every batch is carried over in one step, so
/// they balance at whatever moment they are read. One entry a batch, none an event; any thread.
/// </summary>
public sealed class StageBooks
{
    private readonly Lock _gate = new();
    private readonly long[] _rejected = new long[Enum.GetValues<RejectReason>().Length];
    private BooksPage _page;
    private int _readings;

    /// <summary>All accounts at one moment.</summary>
    public BooksPage Look()
    {
        lock (_gate) return _page;
    }

    /// <summary>The same, with what is durable of the rejected events, by <see cref="RejectReason"/>.</summary>
    /// <param name="rejected">As long as there are reasons.</param>
    public BooksPage Look(Span<long> rejected)
    {
        lock (_gate)
        {
            _rejected.CopyTo(rejected);
            return _page;
        }
    }

    /// <summary>Rejected events that are durable: their letters are written, or they are duplicates.</summary>
    public long RejectedBy(RejectReason reason)
    {
        lock (_gate) return _rejected[(int)reason];
    }

    internal void Polled(int records)
    {
        lock (_gate) (_page.PolledRecords, _page.DecodingRecords) = (_page.PolledRecords + records, _page.DecodingRecords + records);
    }

    internal void Decoded(EventBatch batch)
    {
        lock (_gate)
        {
            _page.DecodingRecords -= batch.Records.Count;
            _page.DecodedEvents += batch.Count;
            _page.DecodedRejects += batch.Rejects.Count;
            ToDecide(batch.Records.Count, batch.Count, batch.Rejects.Count);
        }
    }

    internal void Folded(EventBatch batch)
    {
        lock (_gate)
        {
            ToDecide(-batch.Records.Count, -batch.Count, -batch.Rejects.Count);
            ToWrite(batch.Records.Count, batch.Count, batch.Rejects.Count);
        }
    }

    /// <summary>What was folded is to be folded again.</summary>
    internal void TakenBack(FlushTally tally)
    {
        lock (_gate)
        {
            ToWrite(-tally.Records, -tally.Passed, -tally.Rejects);
            ToDecide(tally.Records, tally.Passed, tally.Rejects);
        }
    }

    /// <summary>Which reading of the source this is: what is written for an earlier one is a repeat.</summary>
    internal int Reading
    {
        get
        {
            lock (_gate) return _readings;
        }
    }

    /// <summary>
    /// The tables have acknowledged rows, and the letters of as many rejected events are in the topic and in the table; of so many events
    /// the row was refused, and a letter is there instead.
    /// </summary>
    internal void Written(int rows, int letters, int refused, int reading)
    {
        lock (_gate)
        {
            (_page.RowsWritten, _page.LettersWritten) = (_page.RowsWritten + rows, _page.LettersWritten + letters);
            _page.RowsRefused += refused;
            rows += refused;
            if (reading == _readings) (_page.RowsAhead, _page.LettersAhead) = (_page.RowsAhead + rows, _page.LettersAhead + letters);
            else (_page.RowsRepeated, _page.LettersRepeated) = (_page.RowsRepeated + rows, _page.LettersRepeated + letters);
        }
    }

    /// <summary>So many rows of those to be written were in the tables already.</summary>
    internal void Found(int rows)
    {
        lock (_gate) _page.RowsFound += rows;
    }

    internal void Committed(FlushTally tally)
    {
        lock (_gate)
        {
            ToWrite(-tally.Records, -tally.Passed, -tally.Rejects);
            _page.CommittedRecords += tally.Records;
            _page.AcceptedEvents += tally.Accepted;
            _page.DuplicateEvents += tally.Passed - tally.Accepted;
            _page.CommittedRejects += tally.Rejects;
            _page.RowsAhead -= tally.Passed;
            _page.LettersAhead -= tally.Rejects;
            for (var i = 0; i < _rejected.Length; i++) _rejected[i] += tally.Rejected[i];
        }
    }

    /// <summary>What is not durable goes back to the source, and is polled again.</summary>
    internal void StartOver()
    {
        lock (_gate)
        {
            _readings++;
            _page.PolledRecords = _page.CommittedRecords;
            _page.DecodedEvents = _page.AcceptedEvents + _page.DuplicateEvents;
            _page.DecodedRejects = _page.CommittedRejects;
            (_page.DecodingRecords, _page.DecidingRecords, _page.DecidingEvents, _page.DecidingRejects) = (0, 0, 0, 0);
            (_page.WritingRecords, _page.WritingEvents, _page.WritingRejects) = (0, 0, 0);
            (_page.RowsRepeated, _page.RowsAhead) = (_page.RowsRepeated + _page.RowsAhead, 0);
            (_page.LettersRepeated, _page.LettersAhead) = (_page.LettersRepeated + _page.LettersAhead, 0);
        }
    }

    private void ToDecide(long records, long events, long rejects)
    {
        _page.DecidingRecords += records;
        _page.DecidingEvents += events;
        _page.DecidingRejects += rejects;
    }

    private void ToWrite(long records, long events, long rejects)
    {
        _page.WritingRecords += records;
        _page.WritingEvents += events;
        _page.WritingRejects += rejects;
    }
}
