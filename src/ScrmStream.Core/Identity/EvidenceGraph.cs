using ScrmStream.Events;
using System.Runtime.CompilerServices;

namespace ScrmStream.Identity;

/// <summary>The coordinates of an event that showed an edge.</summary>
public readonly record struct EvidenceSource(ulong Partition, long Offset, int Index);

/// <summary>Evidence that two identifiers were met together. Times are Unix milliseconds.</summary>
public struct EvidenceEdge
{
    public int A, B;
    internal int NextOfA, NextOfB;
    /// <summary>Earliest and latest event that named both; MaxValue and MinValue where only an unbind is known.</summary>
    public long FirstMs, LastMs;
    /// <summary>Latest unbind of this pair; <see cref="long.MinValue"/> when there is none.</summary>
    public long UnboundMs;
    /// <summary>The event behind <see cref="FirstMs"/>.</summary>
    public EvidenceSource Source;

    /// <summary>How many of its two stored halves were read into memory.</summary>
    public byte Halves;
    /// <summary>The halves read differed in what membership depends on: a writer had stopped between them.</summary>
    public bool HalvesDiffer;

    public readonly int Other(int node) => node == A ? B : A;
}

/// <summary>
/// All evidence in memory: identifiers, the edges between them, and the islands (sets connected by any evidence, counting or not).
/// Whatever can change one identifier's customer lies in its island. Flat arrays, no object per edge; owned by the deciding thread.
/// </summary>
public sealed class EvidenceGraph
{
    private readonly PagedArray<EvidenceEdge> _edges = new();

    public IdentifierTable Nodes { get; } = new();

    public int EdgeCount => _edges.Count;

    public ref EvidenceEdge Edge(int edge) => ref _edges[edge];

    /// <summary>Walks the edges of a node: start with <see cref="IdentifierNode.FirstEdge"/>, end with -1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int NextEdge(int edge, int node)
    {
        ref var e = ref _edges[edge];
        return e.A == node ? e.NextOfA : e.NextOfB;
    }

    /// <summary>The edge between two nodes, or -1. Walks the edges of the node that has fewer.</summary>
    public int Find(int a, int b)
    {
        if (Nodes[b].EdgeCount < Nodes[a].EdgeCount) (a, b) = (b, a);
        for (var edge = Nodes[a].FirstEdge; edge >= 0; edge = NextEdge(edge, a))
            if (_edges[edge].Other(a) == b) return edge;
        return -1;
    }

    public int FindOrAdd(int a, int b, out bool added)
    {
        var edge = Find(a, b);
        added = edge < 0;
        return added ? Add(a, b) : edge;
    }

    /// <summary>
    /// Notes an event at <paramref name="timeMs"/> that named both. True when something changed on which membership depends.
    /// </summary>
    public bool Link(int a, int b, long timeMs, EvidenceSource source)
    {
        var edge = FindOrAdd(a, b, out var added);
        ref var e = ref _edges[edge];
        var counted = !added && Counts(edge);
        var order = added ? 0 : OrderTimeMs(edge);
        if (timeMs < e.FirstMs) (e.FirstMs, e.Source) = (timeMs, source);
        e.LastMs = Math.Max(e.LastMs, timeMs);
        return added || Heal(ref e) || counted != Counts(edge) || order != OrderTimeMs(edge);
    }

    /// <summary>Takes the pair's evidence up to <paramref name="timeMs"/> away. True when that is news.</summary>
    public bool Unbind(int a, int b, long timeMs)
    {
        ref var e = ref _edges[FindOrAdd(a, b, out var added)];
        var healed = Heal(ref e);
        if (!added && e.UnboundMs >= timeMs) return healed;
        e.UnboundMs = Math.Max(e.UnboundMs, timeMs);
        return true;
    }

    /// <summary>Takes all evidence of one identifier up to <paramref name="timeMs"/> away. True when that is news.</summary>
    public bool Unbind(int node, long timeMs)
    {
        ref var n = ref Nodes[node];
        if (n.UnboundMs >= timeMs) return false;
        n.UnboundMs = timeMs;
        return true;
    }

    /// <summary>Rule 2: an edge counts only if its last evidence is later than its latest unbind. Rule 3: a bridge only early.</summary>
    public bool Counts(int edge)
    {
        ref var e = ref _edges[edge];
        return e.LastMs > UnboundMs(in e) && BridgeHolds(edge, e.A) && BridgeHolds(edge, e.B);
    }

    /// <summary>The later of an edge's first evidence and its latest unbind.</summary>
    public long OrderTimeMs(int edge)
    {
        ref var e = ref _edges[edge];
        return Math.Max(e.FirstMs, UnboundMs(in e));
    }

    /// <summary>A member of the node's island that stands for the island until two islands meet.</summary>
    public int Island(int node)
    {
        while (Nodes[node].IslandParent >= 0)
        {
            ref var n = ref Nodes[node];
            var grandparent = Nodes[n.IslandParent].IslandParent;
            if (grandparent >= 0) n.IslandParent = grandparent;
            node = n.IslandParent;
        }
        return node;
    }

    public int IslandSize(int island) => -Nodes[island].IslandParent;

    public void Clear()
    {
        _edges.Clear();
        Nodes.Clear();
    }

    // A writer had stopped between the two halves: whoever meets the edge next writes both and publishes again.
    private static bool Heal(ref EvidenceEdge e)
    {
        var torn = e.Halves == 1 || e.HalvesDiffer;
        (e.Halves, e.HalvesDiffer) = (0, false);
        return torn;
    }

    /// <summary>How long after it was first seen a pending_id links: an edge's order time must not be later.</summary>
    public const int BridgeDays = 90;

    private const long BridgeWindowMs = BridgeDays * 24L * 3600 * 1000;

    private bool BridgeHolds(int edge, int node)
    {
        ref var n = ref Nodes[node];
        return n.Kind.Class() != IdentifierClass.Bridge || OrderTimeMs(edge) - n.FirstSeenMs <= BridgeWindowMs;
    }

    private long UnboundMs(in EvidenceEdge e) => Math.Max(e.UnboundMs, Math.Max(Nodes[e.A].UnboundMs, Nodes[e.B].UnboundMs));

    private int Add(int a, int b)
    {
        var edge = _edges.Add();
        ref var e = ref _edges[edge];
        ref var na = ref Nodes[a];
        ref var nb = ref Nodes[b];
        (e.A, e.B, e.NextOfA, e.NextOfB) = (a, b, na.FirstEdge, nb.FirstEdge);
        (e.FirstMs, e.LastMs, e.UnboundMs) = (long.MaxValue, long.MinValue, long.MinValue);
        na.FirstEdge = nb.FirstEdge = edge;
        na.EdgeCount++;
        nb.EdgeCount++;
        JoinIslands(Island(a), Island(b));
        return edge;
    }

    private void JoinIslands(int a, int b)
    {
        if (a == b) return;
        if (IslandSize(a) < IslandSize(b)) (a, b) = (b, a);
        ref var na = ref Nodes[a];
        ref var nb = ref Nodes[b];
        na.IslandParent += nb.IslandParent;
        nb.IslandParent = a;
        (na.IslandNext, nb.IslandNext) = (nb.IslandNext, na.IslandNext);
    }
}
