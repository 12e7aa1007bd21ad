using System.Text.Json;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Redis;

namespace ScrmStream.Host.Reading;

/// <summary>The refused links of a whole namespace, worked out from all its evidence.</summary>
internal static class ConflictList
{
    private sealed record Conflict(string A, string B, long OrderTime, string Limit);

    public static async Task WriteAsync(
        RedisConnection redis, IdentityOptions options, int limit, bool json, CancellationToken cancel)
    {
        var evidence = new EvidenceReader(new RedisCellStore(redis), options);
        var progress = new CellProgress(TimeProvider.System);
        await foreach (var page in new RedisCellScan(redis).PagesAsync(cancel))
        {
            foreach (var cell in page) evidence.Take(cell);
            progress.Add(page.Length);
        }
        evidence.Connect();
        var refused = Refused(evidence);
        var latest = refused.OrderByDescending(evidence.Graph.OrderTimeMs).Take(limit).Select(edge => Of(evidence, edge)).ToList();
        if (json) Console.WriteLine(JsonSerializer.Serialize(new { total = refused.Count, conflicts = latest }, ResultTable.Json));
        else Write(latest, refused.Count);
    }

    private static List<int> Refused(EvidenceReader evidence)
    {
        var refused = new List<int>();
        for (var node = 0; node < evidence.Graph.Nodes.Count; node++)
        {
            if (evidence.Graph.Island(node) != node || evidence.Graph.IslandSize(node) == 1) continue;
            evidence.Resolver.Resolve(node);
            refused.AddRange(evidence.Resolver.Refused);
        }
        return refused;
    }

    private static Conflict Of(EvidenceReader evidence, int edge)
    {
        var (nodes, e) = (evidence.Graph.Nodes, evidence.Graph.Edge(edge));
        var limit = CutText.Why(evidence.Explainer.LimitOf(edge), nodes);
        return new Conflict(nodes.TextOf(e.A), nodes.TextOf(e.B), evidence.Graph.OrderTimeMs(edge), limit);
    }

    private static void Write(List<Conflict> conflicts, int total)
    {
        var table = new ResultTable("a", "b", "order time", "limit") { Wraps = ["limit"] };
        foreach (var c in conflicts) table.Add(c.A, c.B, TimeText.Show(c.OrderTime), c.Limit);
        table.Write();
        var (all, shown) = (CellProgress.Grouped(total), CellProgress.Grouped(conflicts.Count));
        Console.Error.WriteLine($"scrmstream: {all} links are refused, {shown} shown.");
    }
}
