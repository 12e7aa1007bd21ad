using System.Globalization;
using System.Text.Json;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Redis;

namespace ScrmStream.Host.Reading;

/// <summary>
/// The identifiers of a namespace that are in quarantine. A cell alone tells which of its edges count, so one pass over the cells is
/// enough.
/// </summary>
internal static class CrowdedList
{
    private sealed record Crowded(string Kind, string Identifier, int StrongNeighbours, int DeviceNeighbours);

    public static async Task WriteAsync(
        RedisConnection redis, IdentityOptions options, int limit, bool json, CancellationToken cancel)
    {
        var found = new List<Crowded>();
        var cells = new RedisCellStore(redis);
        var progress = new CellProgress(TimeProvider.System);
        await foreach (var page in new RedisCellScan(redis).PagesAsync(cancel))
        {
            foreach (var cell in page)
                if (Judge(cell, cells, options) is { } crowded) found.Add(crowded);
            progress.Add(page.Length);
        }
        var most = found.OrderByDescending(c => Math.Max(c.StrongNeighbours, c.DeviceNeighbours)).Take(limit).ToList();
        if (json) Console.WriteLine(JsonSerializer.Serialize(new { total = found.Count, quarantined = most }, ResultTable.Json));
        else Write(most, found.Count, options);
    }

    private static Crowded? Judge(byte[] cell, RedisCellStore cells, IdentityOptions options)
    {
        if (new CellEvidence(cell).EdgeCount <= options.NeighboursMax) return null;
        var evidence = new EvidenceReader(cells, options);
        var (graph, node, strong, devices) = (evidence.Graph, evidence.Take(cell), 0, 0);
        if (!graph.Nodes[node].IsParked) return null;
        for (var edge = graph.Nodes[node].FirstEdge; edge >= 0; edge = graph.NextEdge(edge, node))
        {
            if (!graph.Edge(edge).Counts) continue;
            if (graph.Kinds.IsDevice(graph.Nodes[graph.Edge(edge).Other(node)].Kind)) devices++;
            else strong++;
        }
        return new Crowded(graph.Nodes[node].Kind.Word(), graph.Nodes.TextOf(node), strong, devices);
    }

    private static void Write(List<Crowded> found, int total, IdentityOptions options)
    {
        var table = new ResultTable("kind", "identifier", "strong neighbours", "device neighbours")
        {
            Numbers = ["strong neighbours", "device neighbours"],
        };
        foreach (var c in found)
            table.Add(c.Kind, c.Identifier, c.StrongNeighbours.ToString(CultureInfo.InvariantCulture),
                c.DeviceNeighbours.ToString(CultureInfo.InvariantCulture));
        table.Write();
        Console.Error.WriteLine($"scrmstream: {CellProgress.Grouped(total)} identifiers are in quarantine (more than "
            + $"{options.NeighboursMax} neighbours), {CellProgress.Grouped(found.Count)} shown.");
    }
}
