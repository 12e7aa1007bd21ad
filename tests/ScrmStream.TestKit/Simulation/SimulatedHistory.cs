using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Identity;
using ScrmStream.Pipeline.Reload;

namespace ScrmStream.TestKit.Simulation;

/// <summary>A process's way to read stored events back: the rows that are there when it asks, from the records that they are of.</summary>
/// <param name="tables">Where the rows are.</param>
/// <param name="partitions">The records of the topic.</param>
/// <param name="gone">The identifier whose rows somebody has deleted; null: nobody's.</param>
public sealed class SimulatedHistory(
    SimulatedServer server, MemoryAnalytics tables, byte[][][] partitions, IdentityOptions identity, SimulatedProcess process,
    IdentifierId? gone = null)
{
    /// <inheritdoc cref="ReadHistory"/>
    public async Task ReadAsync(HistoryQuestion question, RefoldedShards into, CancellationToken cancel)
    {
        var rows = await server.CallAsync<HashSet<(ulong, long, int)>>(
            process, () => () => [.. tables.Events.Keys], cancel, mayComeLate: false);
        var batch = new EventBatch(new RecordBatch(partitions.Sum(p => p.Length) + 1, 64 << 20));
        for (var p = 0; p < partitions.Length; p++)
            for (var offset = 0; offset < partitions[p].Length; offset++)
                batch.Records.Add(ListSource.Partition(p), offset, -1, partitions[p][offset]);
        var limits = new EventLimits();
        using (var decoder = new RecordDecoder(limits, new SchemaCatalog(limits))) decoder.Decode(batch);
        new IdentifierScreen(identity).Apply(batch);
        batch.TruncateEvents(KeepAsked(batch, rows, question));
        batch.Events.Sort((a, b) => a.AnchorId.CompareTo(b.AnchorId));
        into.Add(batch);
    }

    // Moves those asked for to the front, and answers how many there are.
    private int KeepAsked(EventBatch batch, HashSet<(ulong, long, int)> rows, HistoryQuestion question)
    {
        var kept = 0;
        foreach (ref var e in batch.Events)
        {
            var at = batch.PositionOf(in e);
            if (!rows.Contains((at.Partition.Id, at.Offset, at.Index))) continue;
            var anchor = IdentifierId.Of(batch.Text(batch.Identifiers[e.Anchor].Text));
            if (anchor.Bucket < question.FirstBucket || anchor.Bucket >= question.FirstBucket + question.Buckets) continue;
            if (anchor == gone) continue;
            if (question.Anchors is { } asked && !asked.Contains(anchor)) continue;
            e.AnchorId = anchor.Value;
            batch.Events[kept++] = e;
        }
        return kept;
    }
}
