using System.Globalization;
using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// The write stage: carries a flush out in the order that makes it effectively once. Cells first, for they decide what is accepted;
/// then rows, change records and dead letters; views after the records that announce them; offsets last. Stores retry outages
/// themselves, so a call here blocks while one is away and loses nothing.
/// </summary>
public sealed class FlushWriter(
    ICellStore cells, IViewStore views, IAnalyticsSink analytics, IDeadLetterSink deadLetters, IEventSource source)
{
    public async Task<FlushOutcome> WriteAsync(FlushJob job, CancellationToken cancel)
    {
        if (job.Cells.Count > 0 && (await cells.StoreAsync(job.Cells, job.Arena, cancel)).Count > 0) return FlushOutcome.CellConflict;
        var rows = WriteRowsAsync(job, cancel);
        var refused = PublishAsync(job, cancel);
        await Task.WhenAll(rows, refused);
        if (await refused) return FlushOutcome.ViewRefused;
        source.Commit(job.Next);
        return FlushOutcome.Durable;
    }

    private async Task WriteRowsAsync(FlushJob job, CancellationToken cancel)
    {
        var batches = job.Batches[job.BatchesWritten..];
        if (batches.Any(b => b.Count > 0)) await analytics.WriteEventsAsync(batches, TokenOf(batches), cancel);
        if (job.DeadLetters.Count > 0)
        {
            await deadLetters.WriteAsync(job.DeadLetters, cancel);
            await analytics.WriteDeadLettersAsync(job.DeadLetters, cancel);
        }
    }

    // Records are written before the view that they announce, so that a crash between repeats a record and never loses one.
    private async Task<bool> PublishAsync(FlushJob job, CancellationToken cancel)
    {
        if (job.TagChanges.Count > 0) await analytics.WriteTagChangesAsync(job.TagChanges, cancel);
        if (job.ScoreChanges.Count > 0) await analytics.WriteScoreChangesAsync(job.ScoreChanges, cancel);
        var refused = job.Views.Count > 0 && (await views.PublishAsync(job.Views, job.Arena, cancel)).Count > 0;
        if (job.Mappings.Count > 0) await analytics.WriteIdentityMapAsync(job.Mappings, cancel);
        return refused;
    }

    // The same batches give the same token, so that a repeated insert of the block is recognised.
    private static string TokenOf(List<EventBatch> batches)
    {
        var hash = 0UL;
        foreach (var batch in batches)
        {
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
