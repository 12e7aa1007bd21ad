using System.Runtime.CompilerServices;
using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>
/// All evidence in memory: identifiers, the edges between them, which of these count, whom the quarantine holds, and the islands: sets
/// connected by any evidence, counting or not, that does not pass through quarantine. Whatever can change one identifier's customer
/// lies in its island, or is a parked identifier at its border. Flat arrays, no object per edge; owned by the deciding thread.
/// </summary>
public sealed class EvidenceGraph(IdentityOptions options)
{
    /// <summary>How long after it was first seen a pending_id links: an edge's order time must not be later.</summary>
    public const int BridgeDays = 90;

    private const long BridgeWindowMs = BridgeDays * 24L * 3600 * 1000;

    private readonly PagedArray<EvidenceEdge> _edges = new();
    private readonly Quarantine _quarantine = new(options.NeighboursMax);
    // Few pairs are ever unbound, and all evidence comes from few source partitions.
    private readonly Dictionary<int, long> _unboundMs = [];
    private readonly Dictionary<ulong, ushort> _partitionNumbers = [];
    private readonly List<ulong> _partitions = [];

    public EvidenceGraph() : this(new IdentityOptions()) { }

    public IdentifierTable Nodes { get; } = new(options.KindTable());

    /// <summary>Classes, limits and strength of the kinds.</summary>
    public KindTable Kinds => Nodes.Kinds;

    public int EdgeCount => _edges.Count;

    /// <summary>Identifiers that quarantine took or let go since the caller last cleared the list.</summary>
    public List<int> Turned => _quarantine.Turned;

    /// <summary>True when any identifier in memory is parked.</summary>
    public bool HasParked => _quarantine.Parked > 0;

    public ref EvidenceEdge Edge(int edge) => ref _edges[edge];

    /// <summary>Hints at the first edge of a node, whose own line is there by now.</summary>
    public void PrefetchEdge(int node)
    {
        if (Nodes[node].FirstEdge is var edge and >= 0) _edges.Prefetch(edge);
    }

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

    /// <summary>The edge between two nodes, which may be a new one without evidence: no island knows of it yet.</summary>
    public int FindOrAdd(int a, int b, out bool added)
    {
        var edge = Find(a, b);
        added = edge < 0;
        return added ? Add(a, b) : edge;
    }

    /// <summary>
    /// Notes an event at <paramref name="timeMs"/> that named the identifier. True when it was not seen that early before; at a bridge
    /// its edges are then to be judged again (<see cref="JudgeAll"/>).
    /// </summary>
    public bool Sight(int node, long timeMs)
    {
        ref var n = ref Nodes[node];
        if (timeMs >= n.FirstSeenMs) return false;
        n.FirstSeenMs = timeMs;
        return true;
    }

    /// <summary>
    /// Notes an event at <paramref name="timeMs"/> that named both. True when something changed on which membership depends.
    /// </summary>
    public bool Link(int a, int b, long timeMs, EvidenceSource source)
    {
        var edge = FindOrAdd(a, b, out var added);
        ref var e = ref _edges[edge];
        // The common event repeats what is known: an edge that counts goes on counting, and nothing depends on its last evidence.
        if (e.Counts && e.FirstMs <= timeMs && !e.IsTorn)
        {
            e.LastMs = Math.Max(e.LastMs, timeMs);
            return false;
        }
        var order = added ? 0 : OrderTimeMs(edge);
        if (timeMs < e.FirstMs) SetFirst(ref e, timeMs, source);
        e.LastMs = Math.Max(e.LastMs, timeMs);
        var judged = Judge(edge);
        if (added) Join(edge);
        return judged || added || Heal(ref e) || order != OrderTimeMs(edge);
    }

    /// <summary>Takes the pair's evidence up to <paramref name="timeMs"/> away. True when that is news.</summary>
    public bool Unbind(int a, int b, long timeMs)
    {
        var edge = FindOrAdd(a, b, out var added);
        ref var e = ref _edges[edge];
        var healed = Heal(ref e);
        if (!NoteUnbound(edge, timeMs)) return added || healed;
        Judge(edge);
        if (added) Join(edge);
        return true;
    }

    /// <summary>
    /// Takes all evidence of one identifier up to <paramref name="timeMs"/> away. True when that is news; its edges are then to be judged
    /// again (<see cref="JudgeAll"/>), once its neighbours are known.
    /// </summary>
    public bool Unbind(int node, long timeMs) => Nodes.Unbind(node, timeMs);

    /// <summary>Adds what a stored half says of an edge; true when it differs from what memory has in what membership depends on.</summary>
    public bool Merge(int edge, long firstMs, long lastMs, long unboundMs, EvidenceSource source)
    {
        ref var e = ref _edges[edge];
        // Of the last evidence it matters whether it is later than the unbind; apart from that one half may lag behind.
        var differs = e.FirstMs != firstMs || PairUnboundMs(edge) != unboundMs
            || !e.IsAlias && e.LastMs > PairUnboundMs(edge) != lastMs > unboundMs;
        if (firstMs < e.FirstMs) SetFirst(ref e, firstMs, source);
        e.LastMs = Math.Max(e.LastMs, lastMs);
        NoteUnbound(edge, unboundMs);
        return differs;
    }

    /// <summary>The event behind an edge's first evidence.</summary>
    public EvidenceSource Source(int edge)
    {
        ref var e = ref _edges[edge];
        return e.FirstMs == long.MaxValue ? default : new EvidenceSource(_partitions[e.SourcePartition], e.SourceOffset, e.SourceIndex);
    }

    /// <summary>Takes an identifier out of quarantine for good. True when that is news.</summary>
    public bool Release(int node)
    {
        ref var n = ref Nodes[node];
        if (n.IsReleased) return false;
        n.IsReleased = true;
        _quarantine.Released(ref n, node);
        return true;
    }

    /// <summary>
    /// Rule 2: an edge counts only if its last evidence is later than its latest unbind. Rule 3: a bridge only early. True when the
    /// judgement changed; quarantine then follows.
    /// </summary>
    public bool Judge(int edge)
    {
        ref var e = ref _edges[edge];
        var counts = e.LastMs > (e.IsAlias ? long.MinValue : UnboundMs(edge)) && BridgeHolds(edge, e.A) && BridgeHolds(edge, e.B);
        if (counts == e.Counts) return false;
        e.Counts = counts;
        if (e.IsAlias) return true;
        _quarantine.Met(this, e.A, e.B, counts ? 1 : -1);
        _quarantine.Met(this, e.B, e.A, counts ? 1 : -1);
        return true;
    }

    /// <summary>Judges all edges of a node again.</summary>
    public void JudgeAll(int node)
    {
        for (var edge = Nodes[node].FirstEdge; edge >= 0; edge = NextEdge(edge, node)) Judge(edge);
    }

    /// <summary>The later of an edge's first evidence and its latest unbind.</summary>
    public long OrderTimeMs(int edge)
    {
        return Math.Max(_edges[edge].FirstMs, UnboundMs(edge));
    }

    /// <summary>The latest unbind of the pair or of either end, as far as it is known.</summary>
    public long UnboundMs(int edge)
    {
        ref var e = ref _edges[edge];
        return Math.Max(PairUnboundMs(edge), Math.Max(Nodes.UnboundMs(e.A), Nodes.UnboundMs(e.B)));
    }

    /// <summary>Neither end is in quarantine: customers may depend on the edge, and islands join over it.</summary>
    public bool IsOpen(in EvidenceEdge e) => !Nodes[e.A].IsParked && !Nodes[e.B].IsParked;

    /// <summary>Makes the islands of both ends one, unless an end is parked.</summary>
    public void Join(int edge)
    {
        ref var e = ref _edges[edge];
        if (IsOpen(in e)) JoinIslands(Island(e.A), Island(e.B));
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
        _unboundMs.Clear();
        _partitionNumbers.Clear();
        _partitions.Clear();
        _quarantine.Clear();
        Nodes.Clear();
    }

    // Where a stored half was read, unbinds of either end are in it too.
    private long PairUnboundMs(int edge) => _edges[edge].IsUnbound ? _unboundMs[edge] : long.MinValue;

    private bool NoteUnbound(int edge, long timeMs)
    {
        if (PairUnboundMs(edge) >= timeMs) return false;
        _edges[edge].IsUnbound = true;
        _unboundMs[edge] = timeMs;
        return true;
    }

    private void SetFirst(ref EvidenceEdge e, long timeMs, EvidenceSource source)
    {
        if (!_partitionNumbers.TryGetValue(source.Partition, out var number))
        {
            number = checked((ushort)_partitions.Count);
            _partitionNumbers.Add(source.Partition, number);
            _partitions.Add(source.Partition);
        }
        (e.FirstMs, e.SourcePartition, e.SourceOffset, e.SourceIndex) = (timeMs, number, source.Offset, source.Index);
    }

    // A writer had stopped between the two halves: whoever meets the edge next writes both and publishes again.
    private static bool Heal(ref EvidenceEdge e)
    {
        var torn = e.IsTorn;
        (e.Halves, e.HalvesDiffer) = (0, false);
        return torn;
    }

    private bool BridgeHolds(int edge, int node)
    {
        ref var n = ref Nodes[node];
        return !n.Kind.IsBridge() || OrderTimeMs(edge) - n.FirstSeenMs <= BridgeWindowMs;
    }

    private int Add(int a, int b)
    {
        var edge = _edges.Add();
        ref var e = ref _edges[edge];
        ref var na = ref Nodes[a];
        ref var nb = ref Nodes[b];
        (e.A, e.B, e.NextOfA, e.NextOfB) = (a, b, na.FirstEdge, nb.FirstEdge);
        (e.FirstMs, e.LastMs) = (long.MaxValue, long.MinValue);
        e.IsAlias = na.Kind == nb.Kind && na.Kind.IsPersonal() && AreOneValue(na.Kind, Nodes.Text(a), Nodes.Text(b));
        na.FirstEdge = nb.FirstEdge = edge;
        na.EdgeCount++;
        nb.EdgeCount++;
        return edge;
    }

    // Only the same value is ever linked under two keys.
    private static bool AreOneValue(IdentifierKind kind, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        var keyA = IdentifierText.KeyId(a, kind);
        var keyB = IdentifierText.KeyId(b, kind);
        return !keyA.IsEmpty && !keyB.IsEmpty && !keyA.SequenceEqual(keyB);
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
