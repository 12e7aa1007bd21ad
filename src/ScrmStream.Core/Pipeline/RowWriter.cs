using System.Globalization;
using ScrmStream.Diagnostics;
using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>Writes the rows and dead letters of folded batches. Calls may come from any thread.</summary>
/// <param name="insertBatches">Batches whose rows make one insert.</param>
public sealed class RowWriter(IAnalyticsSink analytics, IDeadLetterSink deadLetters, StageBooks books, int insertBatches)
{
    private readonly int _reading = books.Reading;
    private const int LettersMax = 10_000, LetterBytes = 16 * 1024 * 1024;

    /// <summary>Returns when all are durable.</summary>
    /// <param name="whenRead">Called with each batch as soon as nothing needs it any more; null: the caller keeps them.</param>
    public async Task WriteAsync(IReadOnlyList<EventBatch> batches, Action<EventBatch>? whenRead, CancellationToken cancel)
    {
        foreach (var part in batches.Chunk(insertBatches))
        {
            // A letter refers to the bytes of its batch.
            await WriteLettersAsync(LettersOf(part), cancel);
            var events = part.Sum(b => b.Count);
            await Failpoints.PassAsync(Failpoint.RowsBefore);
            var rows = events > 0 ? analytics.WriteEventsAsync(part, TokenOf(part), cancel) : Task.CompletedTask;
            if (whenRead is not null) Array.ForEach(part, whenRead);
            await rows;
            await Failpoints.PassAsync(Failpoint.RowsAfter);
            books.Written(events, 0, _reading);
        }
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
            books.Written(0, part.Count, _reading);
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
