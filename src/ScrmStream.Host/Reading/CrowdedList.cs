using System.Globalization;
using System.Text.Json;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Redis;

namespace ScrmStream.Host.Reading;

/// <summary>
/// The identifiers of a namespace with more neighbours than the limit. One pass counts each cell's own halves of edges, which can only be
/// too many (an unbind of the other end alone, an expired bridge); those over the limit are counted again with their neighbours read.
/// </summary>
internal static class CrowdedList
{
    private sealed record Crowded(string Kind, string Identifier, int StrongNeighbours, int DeviceNeighbours);

    public static async Task WriteAsync(
        RedisConnection redis, IdentityOptions options, int limit, bool json, CancellationToken cancel)
    {
        var candidates = new Dictionary<IdentifierId, byte[]>();
        var progress = new CellProgress(TimeProvider.System);
        await foreach (var page in new RedisCellScan(redis).PagesAsync(cancel))
        {
            foreach (var cell in page)
                if (MayBeCrowded(new CellEvidence(cell), options)) candidates[IdentifierId.Of(new CellEvidence(cell).Text)] = cell;
            progress.Add(page.Length);
        }
        var found = new List<Crowded>();
        foreach (var cell in candidates.Values)
            if (await CountAsync(cell, new RedisCellStore(redis), options, cancel) is { } crowded) found.Add(crowded);
        var most = found.OrderByDescending(c => Math.Max(c.StrongNeighbours, c.DeviceNeighbours)).Take(limit).ToList();
        if (json) Console.WriteLine(JsonSerializer.Serialize(new { total = found.Count, quarantined = most }, ResultTable.Json));
        else Write(most, found.Count, options);
    }

    private static bool MayBeCrowded(CellEvidence cell, IdentityOptions options)
    {
        if (cell.EdgeCount <= options.NeighboursMax) return false;
        var (strong, devices) = (0, 0);
        foreach (var edge in cell)
        {
            if (edge.LastMs <= Math.Max(edge.UnboundMs, cell.UnboundMs)) continue;
            if (IsDevice(edge.Kind)) devices++;
            else strong++;
        }
        return IsCrowded(cell.Kind, strong, devices, options);
    }

    private static async Task<Crowded?> CountAsync(byte[] cell, RedisCellStore cells, IdentityOptions options, CancellationToken cancel)
    {
        var evidence = new EvidenceReader(cells, options);
        var node = evidence.Take(cell);
        foreach (var neighbour in await cells.LoadAsync(Neighbours(new CellEvidence(cell)), cancel))
            if (neighbour.Cell is not null) evidence.Take(neighbour.Cell);
        var (graph, strong, devices) = (evidence.Graph, 0, 0);
        for (var edge = graph.Nodes[node].FirstEdge; edge >= 0; edge = graph.NextEdge(edge, node))
        {
            if (!graph.Counts(edge)) continue;
            if (IsDevice(graph.Nodes[graph.Edge(edge).Other(node)].Kind)) devices++;
            else strong++;
        }
        var kind = graph.Nodes[node].Kind;
        return IsCrowded(kind, strong, devices, options) ? new Crowded(kind.Word(), graph.Nodes.TextOf(node), strong, devices) : null;
    }

    private static List<IdentifierId> Neighbours(CellEvidence cell)
    {
        var ids = new List<IdentifierId>(cell.EdgeCount);
        foreach (var edge in cell) ids.Add(IdentifierId.Of(edge.Text));
        return ids;
    }

    // Rule 4: too many strong neighbours, and of a device also too many devices.
    private static bool IsCrowded(IdentifierKind kind, int strong, int devices, IdentityOptions options) =>
        strong > options.NeighboursMax || IsDevice(kind) && devices > options.NeighboursMax;

    private static bool IsDevice(IdentifierKind kind) => kind.Class() == IdentifierClass.Device;

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
        Console.Error.WriteLine($"scrmstream: {CellProgress.Grouped(total)} identifiers have more than {options.NeighboursMax} neighbours, "
            + $"{CellProgress.Grouped(found.Count)} shown.");
    }
}
