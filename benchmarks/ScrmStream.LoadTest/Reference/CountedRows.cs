using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;

namespace ScrmStream.LoadTest.Reference;

/// <summary>
/// Counts what goes to the analysts' tables and hands it on, or, with nothing behind it, adds up what was paid and stores nothing. Calls
/// may come from any thread.
/// </summary>
internal sealed class CountedRows(IAnalyticsSink? behind = null) : IAnalyticsSink, IDeadLetterSink, IIdentityChangeSink
{
    private long _eventRows, _eventInserts, _otherRows, _otherInserts, _paidFen, _letters;

    /// <summary>Rows of events, a row for each.</summary>
    public long EventRows => Volatile.Read(ref _eventRows);

    /// <summary>Of the accepted orders; 0 where the rows are handed on, and whoever has them can be asked.</summary>
    public long PaidFen => Volatile.Read(ref _paidFen);

    public long Letters => Volatile.Read(ref _letters);

    public string InWords =>
        $"{EventRows / (double)Math.Max(1, _eventInserts):N0} rows an insert of events ({_eventInserts:N0} inserts), "
        + $"{_otherRows / (double)Math.Max(1, _otherInserts):N0} of all else ({_otherInserts:N0})";

    public Task WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel)
    {
        var (rows, paidFen) = (0L, 0L);
        for (var i = 0; i < batches.Count; i++)
        {
            rows += batches[i].Count;
            if (behind is null) paidFen += PaidIn(batches[i]);
        }
        Interlocked.Add(ref _eventRows, rows);
        Interlocked.Increment(ref _eventInserts);
        Interlocked.Add(ref _paidFen, paidFen);
        return behind?.WriteEventsAsync(batches, token, cancel) ?? Task.CompletedTask;
    }

    public Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel) =>
        Other(changes.Count, behind?.WriteTagChangesAsync(changes, cancel));

    public Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) =>
        Other(changes.Count, behind?.WriteScoreChangesAsync(changes, cancel));

    public Task WriteLeadsAsync(IReadOnlyList<CustomerLeads> leads, CancellationToken cancel) =>
        Other(leads.Count, behind?.WriteLeadsAsync(leads, cancel));

    public Task WriteActionsAsync(IReadOnlyList<CustomerAction> actions, CancellationToken cancel) =>
        Other(actions.Count, behind?.WriteActionsAsync(actions, cancel));

    public Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel) =>
        Other(mappings.Count, behind?.WriteIdentityMapAsync(mappings, cancel));

    public Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel) =>
        Other(letters.Count, behind?.WriteDeadLettersAsync(letters, cancel));

    Task IDeadLetterSink.WriteAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel)
    {
        Interlocked.Add(ref _letters, letters.Count);
        return Task.CompletedTask;
    }

    // No table has them.
    Task IIdentityChangeSink.WriteAsync(IReadOnlyList<IdentityChange> changes, CancellationToken cancel) => Task.CompletedTask;

    /// <summary>What was paid by the accepted orders of a batch.</summary>
    public static long PaidIn(EventBatch batch)
    {
        var paidFen = 0L;
        foreach (ref readonly var e in batch.Events)
            if (e.HasAmount && e.Verdict == Verdict.Accepted && batch.Text(e.Name).SequenceEqual("order_paid"u8)) paidFen += e.AmountFen;
        return paidFen;
    }

    private Task Other(int rows, Task? written)
    {
        Interlocked.Add(ref _otherRows, rows);
        Interlocked.Increment(ref _otherInserts);
        return written ?? Task.CompletedTask;
    }
}
