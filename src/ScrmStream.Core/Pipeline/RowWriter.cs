using System.Globalization;
using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>Writes the rows and dead letters of folded batches. Calls may come from any thread.</summary>
/// <param name="insertBatches">Batches whose rows make one insert.</param>
public sealed class RowWriter(IAnalyticsSink analytics, IDeadLetterSink deadLetters, int insertBatches)
{
    /// <summary>Returns when all are durable.</summary>
    /// <param name="whenRead">Called with each batch as soon as nothing needs it any more; null: the caller keeps them.</param>
    public async Task WriteAsync(IReadOnlyList<EventBatch> batches, Action<EventBatch>? whenRead, CancellationToken cancel)
    {
        foreach (var part in batches.Chunk(insertBatches))
        {
            // A letter refers to the bytes of its batch.
            var letters = LettersOf(part);
            if (letters.Count > 0)
            {
                await deadLetters.WriteAsync(letters, cancel);
                await analytics.WriteDeadLettersAsync(letters, cancel);
            }
            var rows = part.Any(b => b.Count > 0) ? analytics.WriteEventsAsync(part, TokenOf(part), cancel) : Task.CompletedTask;
            if (whenRead is not null) Array.ForEach(part, whenRead);
            await rows;
        }
    }

    private static List<DeadLetter> LettersOf(EventBatch[] batches)
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
        var raw = batch.Buffer.AsMemory(record.Start, record.Length);
        return new DeadLetter(position, record.TimestampMs, reject.Reason, reject.Detail, raw);
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
