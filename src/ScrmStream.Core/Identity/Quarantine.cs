using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>
/// Rule 4: an identifier with more distinct strong neighbours over counting edges than the limit, and a device with more device
/// neighbours, has all its edges parked. Neighbours are counted only where an identifier has more edges than the limit, so the common
/// one costs nothing. Owned by the deciding thread.
/// </summary>
internal sealed class Quarantine(int neighboursMax)
{
    // Neighbours of the identifiers that have more edges than the limit.
    private readonly Dictionary<int, (int Strong, int Devices)> _crowds = [];

    public List<int> Turned { get; } = [];

    public int Parked { get; private set; }

    /// <summary>An edge of the node began (+1) or ceased (-1) to count; its flag says so already.</summary>
    public void Met(EvidenceGraph graph, int node, int other, int change)
    {
        ref var n = ref graph.Nodes[node];
        if (n.EdgeCount <= neighboursMax) return;
        if (!_crowds.TryGetValue(node, out var crowd)) crowd = Count(graph, node);
        else if (graph.Kinds.IsDevice(graph.Nodes[other].Kind)) crowd.Devices += change;
        else crowd.Strong += change;
        _crowds[node] = crowd;
        Turn(ref n, node, IsCrowd(in n, crowd, graph.Kinds));
    }

    public void Released(ref IdentifierNode n, int node) => Turn(ref n, node, false);

    public void Clear()
    {
        _crowds.Clear();
        Turned.Clear();
        Parked = 0;
    }

    private bool IsCrowd(in IdentifierNode n, (int Strong, int Devices) crowd, KindTable kinds) =>
        !n.IsReleased && (crowd.Strong > neighboursMax || kinds.IsDevice(n.Kind) && crowd.Devices > neighboursMax);

    private void Turn(ref IdentifierNode n, int node, bool isParked)
    {
        if (n.IsParked == isParked) return;
        n.IsParked = isParked;
        Parked += isParked ? 1 : -1;
        Turned.Add(node);
    }

    private static (int Strong, int Devices) Count(EvidenceGraph graph, int node)
    {
        var crowd = (Strong: 0, Devices: 0);
        for (var edge = graph.Nodes[node].FirstEdge; edge >= 0; edge = graph.NextEdge(edge, node))
        {
            ref var e = ref graph.Edge(edge);
            if (!e.Counts || e.IsAlias) continue;
            if (graph.Kinds.IsDevice(graph.Nodes[e.Other(node)].Kind)) crowd.Devices++;
            else crowd.Strong++;
        }
        return crowd;
    }
}
