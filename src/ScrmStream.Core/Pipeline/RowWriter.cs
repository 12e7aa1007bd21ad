using System.Globalization;
using ScrmStream.Diagnostics;
using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// Writes the rows and dead letters of folded batches. A block that the tables refuse for what is in it is halved until the bad rows stand
/// alone; each becomes a dead letter, and all others are stored (docs/internals/flush-and-delivery.md). Calls may come from any thread.
/// </summary>
/// <param name="insertBatches">Batches whose rows make one insert.</param>
public sealed class RowWriter(
    IAnalyticsSink analytics, RepeatedRows repeats, IDeadLetterSink deadLetters, StageBooks books, FloodBreaker flood,
    RowRefusals refusals, int insertBatches)
{
    private readonly int _reading = books.Reading;
    private const int LettersMax = 10_000, LetterBytes = 16 * 1024 * 1024;
    // Of the server's message.
    private const int DetailCharsMax = 500;

    /// <summary>Returns when all are durable.</summary>
    /// <param name="whenRead">Called with each batch as soon as nothing needs it any more; null: the caller keeps them.</param>
    /// <param name="beforeRows">Called before rows are inserted, if any are; what it throws keeps them from being.</param>
    public async Task WriteAsync(
        IReadOnlyList<EventBatch> batches, Action<EventBatch>? whenRead, CancellationToken cancel, Func<Task>? beforeRows = null)
    {
        foreach (var part in batches.Chunk(insertBatches))
        {
            // A letter refers to the bytes of its batch.
            await WriteLettersAsync(LettersOf(part), cancel);
            books.Written(0, part.Sum(b => b.Rejects.Count), 0, _reading);
            await Failpoints.PassAsync(Failpoint.RowsBefore);
            var found = await repeats.MarkAsync(part, cancel);
            books.Found(found);
            if (beforeRows is not null && found < part.Sum(b => b.Count)) await beforeRows();
            var isGone = whenRead is not null && !refusals.AreRecent;
            var rows = WriteRowsAsync(part, isGone, cancel);
            if (isGone) Array.ForEach(part, whenRead!);
            await rows;
            await Failpoints.PassAsync(Failpoint.RowsAfter);
            if (whenRead is not null && !isGone) Array.ForEach(part, whenRead);
        }
    }

    // Reads the batches before it yields.
    private async Task WriteRowsAsync(EventBatch[] part, bool isGone, CancellationToken cancel)
    {
        var events = part.Sum(b => b.Count);
        if (events == 0) return;
        try
        {
            await analytics.WriteEventsAsync(part, TokenOf(part), cancel);
            Stored(events);
        }
        catch (RowsRefusedException refused)
        {
            refusals.Note();
            if (isGone) throw new RowsRefusedAheadException(refused);
            await TakeApartAsync(part, refused, cancel);
        }
    }

    private void Stored(int events)
    {
        flood.NoteRows(events, refused: 0);
        books.Written(events, 0, 0, _reading);
    }

    private async Task TakeApartAsync(EventBatch[] refused, RowsRefusedException why, CancellationToken cancel)
    {
        if (refused.Length == 1)
        {
            await TakeApartAsync(refused[0], 0, refused[0].Count, why, cancel);
            return;
        }
        var half = refused.Length / 2;
        foreach (var part in (EventBatch[][])[refused[..half], refused[half..]]) await WriteRowsAsync(part, isGone: false, cancel);
    }

    // The parts come in order and one at a time, so that what is done again after a crash is done alike, under the same tokens.
    private async Task TakeApartAsync(EventBatch batch, int first, int count, RowsRefusedException why, CancellationToken cancel)
    {
        if (count == 1)
        {
            await SetAsideAsync(batch, first, why, cancel);
            return;
        }
        var half = count / 2;
        foreach (var (from, length) in ((int, int)[])[(first, half), (first + half, count - half)])
        {
            try
            {
                await analytics.WriteEventsAsync([batch.Part(from, length)], $"{TokenOf([batch])}:{from}+{length}", cancel);
                Stored(length);
            }
            catch (RowsRefusedException still)
            {
                await TakeApartAsync(batch, from, length, still, cancel);
            }
        }
    }

    private async Task SetAsideAsync(EventBatch batch, int index, RowsRefusedException why, CancellationToken cancel)
    {
        refusals.Note();
        var (record, place, raw) = (batch.Events[index].Record, batch.Events[index].Index, batch.Events[index].Raw);
        var detail = why.Message.Length > DetailCharsMax ? why.Message[..DetailCharsMax] : why.Message;
        await WriteLettersAsync([LetterOf(batch, new Reject(record, place, RejectReason.RefusedByTables, detail, raw))], cancel);
        flood.NoteRows(1, refused: 1);
        books.Written(0, 0, 1, _reading);
    }

    // In parts, for a flood of large bad records must not be in memory three times over.
    private async Task WriteLettersAsync(List<DeadLetter> letters, CancellationToken cancel)
    {
        for (var (from, bytes, i) = (0, 0L, 0); i < letters.Count; i++)
        {
            bytes += letters[i].Raw.Length;
            if (bytes < LetterBytes && i - from < LettersMax && i < letters.Count - 1) continue;
            var part = letters.GetRange(from, i + 1 - from);
            await Failpoints.PassAsync(Failpoint.LettersBefore);
            await deadLetters.WriteAsync(part, cancel);
            await Failpoints.PassAsync(Failpoint.LettersBetween);
            await analytics.WriteDeadLettersAsync(part, cancel);
            await Failpoints.PassAsync(Failpoint.LettersAfter);
            (from, bytes) = (i + 1, 0);
        }
    }

    /// <summary>What is to be set aside of the batches; it refers to their bytes.</summary>
    public static List<DeadLetter> LettersOf(IReadOnlyList<EventBatch> batches)
    {
        var letters = new List<DeadLetter>();
        foreach (var batch in batches)
            foreach (var reject in batch.Rejects) letters.Add(LetterOf(batch, in reject));
        return letters;
    }

    private static DeadLetter LetterOf(EventBatch batch, in Reject reject)
    {
        ref var record = ref batch.Records.Records[reject.Record];
        var position = new SourcePosition(record.Partition, record.Offset, reject.Index);
        // The event's own bytes where they are known: a letter of one event must not carry its siblings, which were accepted.
        var isWhole = reject.Raw.Length <= 0;
        var raw = isWhole ? batch.Buffer.AsMemory(record.Start, record.Length) : batch.Buffer.AsMemory(reject.Raw.Start, reject.Raw.Length);
        var (key, headers) = batch.Records.OriginOf(reject.Record);
        return new DeadLetter(position, record.TimestampMs, reject.Reason, reject.Detail, raw)
        {
            IsWholeRecord = isWhole,
            Key = batch.Buffer.AsMemory(key.Start, key.Length),
            Headers = batch.Buffer.AsMemory(headers.Start, headers.Length),
        };
    }

    // The same batches give the same token, so that a repeated insert of the block is recognised; the same records judged anew do not.
    private static string TokenOf(EventBatch[] batches)
    {
        var hash = 0UL;
        foreach (var batch in batches)
        {
            hash ^= batch.Epoch;
            foreach (ref var record in batch.Records.Records.AsSpan(0, batch.Records.Count))
                hash = (hash * 0x9E3779B97F4A7C15) ^ record.Partition.Id ^ (ulong)record.Offset;
        }
        var first = batches[0].Records;
        var start = first.Count == 0
            ? "none"
            : string.Create(CultureInfo.InvariantCulture, $"{first.Records[0].Partition.Id:x16}-{first.Records[0].Offset}");
        return $"scrm:{start}:{hash:x16}";
    }
}
