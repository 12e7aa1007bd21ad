using System.Runtime.InteropServices;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Profiles;

namespace ScrmStream.Pipeline;

/// <summary>
/// All customer state in the process: evidence, shards, and where each cell stands. A cache of the cell store that can be forgotten
/// at any moment and read again. Invariant: when a node is loaded, its whole island is, and the parked identifiers at its border; except
/// for what <see cref="IsComplete"/> tells. Owned by the deciding thread.
/// </summary>
public sealed class CustomerState(IdentityOptions identity)
{
    private readonly HashSet<int> _arrived = [];
    private readonly PagedArray<CellState> _cells = new();
    private readonly List<int> _wanted = [];
    private readonly List<int> _changed = [];
    // The stamps of the few processes that wrote what is in memory.
    private readonly List<ulong> _writers = [0];
    // Nodes whose neighbours must all be in memory before anything is derived, and what is to be marked at these then.
    private readonly List<(int Node, CellFlags Marks)> _incomplete = [];

    private IdentityResolver? _resolver;
    private StateHints? _hints;

    public EvidenceGraph Graph { get; } = new(identity);
    public IdentityResolver Resolver => _resolver ??= new IdentityResolver(Graph, identity);
    public BlobStore Shards { get; } = new();
    public BlobStore Conclusions { get; } = new();

    internal StateHints Hints => _hints ??= new StateHints(this, _cells);

    public int Count => _cells.Count;

    /// <summary>Grows with each <see cref="Clear"/>: node numbers of an earlier one are void.</summary>
    public int Generation { get; private set; }

    public ref CellState this[int node] => ref _cells[node];

    /// <summary>The version of the stored cell; <see cref="CellVersion.None"/> when there is none.</summary>
    public CellVersion Version(int node) => new(_cells[node].VersionNumber, _writers[_cells[node].Writer]);

    public void SetVersion(int node, CellVersion version)
    {
        var writer = _writers.LastIndexOf(version.Stamp);
        if (writer < 0)
        {
            writer = _writers.Count;
            _writers.Add(version.Stamp);
        }
        (_cells[node].VersionNumber, _cells[node].Writer) = (version.Number, writer);
    }

    /// <summary>Nodes the next flush must look at.</summary>
    public ReadOnlySpan<int> Changed => CollectionsMarshal.AsSpan(_changed);

    public void ClearChanged()
    {
        foreach (var node in _changed)
            _cells[node].Flags &= ~(CellFlags.Dirty | CellFlags.Touched | CellFlags.Membership | CellFlags.Listed | CellFlags.FirstWritten);
        _changed.Clear();
    }

    public void Mark(int node, CellFlags flags)
    {
        ref var cell = ref _cells[node];
        if ((cell.Flags & CellFlags.Listed) == 0) _changed.Add(node);
        cell.Flags |= flags | CellFlags.Listed;
    }

    public int Intern(IdentifierKind kind, ReadOnlySpan<byte> text, ulong fingerprint)
    {
        var node = Graph.Nodes.Intern(kind, text, fingerprint, out var created);
        if (created) _cells.Add();
        return node;
    }

    /// <summary>Gives every verified identifier of a batch its node and returns the nodes that must be loaded first.</summary>
    public int[] Request(EventBatch batch)
    {
        _wanted.Clear();
        for (var first = 0; first < batch.Count; first += StateHints.Together)
        {
            var events = StateHints.Next(batch.Events, first);
            Hints.BeforeRequest(batch, events);
            foreach (ref var e in events) RequestIdentifiers(batch, in e);
        }
        return _wanted.Count == 0 ? [] : [.. _wanted];
    }

    private void RequestIdentifiers(EventBatch batch, in TrackingEvent e)
    {
        foreach (ref var identifier in batch.IdentifiersOf(in e))
        {
            if (!identifier.Verified) continue;
            identifier.Node = Intern(identifier.Kind, batch.Text(identifier.Text), identifier.Fingerprint);
            Want(identifier.Node);
        }
    }

    /// <summary>Takes in loaded cells, and returns the neighbours that they name and that must be loaded too.</summary>
    public int[] Accept(int[] nodes, StoredCell[] stored)
    {
        _wanted.Clear();
        for (var i = 0; i < nodes.Length; i++)
        {
            ref var cell = ref _cells[nodes[i]];
            cell.Flags |= CellFlags.Loaded;
            if (stored[i].Cell is not { } content) continue;
            cell.ViewStamp = stored[i].ViewStamp;
            if (stored[i].Conclusion.Length > 0) cell.Conclusion = Conclusions.Store(cell.Conclusion, stored[i].Conclusion);
            CellCodec.Read(this, nodes[i], content);
            _arrived.Add(nodes[i]);
        }
        foreach (var node in nodes)
        {
            Connect(node);
            if (Graph.Nodes[node].IsUnsettled) _incomplete.Add((node, CellFlags.Membership));
        }
        for (var i = 0; i < Graph.Turned.Count; i++)
        {
            var turned = Graph.Turned[i];
            if (!IsLoaded(turned)) continue;
            Connect(turned);
            // Its own cell does not say so: the writer stopped between the halves, perhaps before it published whom that concerns.
            if (IsTorn(turned)) Unsettle(turned);
        }
        Graph.Turned.Clear();
        return [.. _wanted];
    }

    /// <summary>
    /// Follows up an unbind of one identifier, or a first seen of a bridge: its edges are judged again, and the halves in its neighbours'
    /// cells have to say it too.
    /// </summary>
    public void Spread(int node) => Reach(node, CellFlags.Dirty);

    /// <summary>Publishes whom quarantine took or let go, and all whom that concerns: their neighbours.</summary>
    public void FollowQuarantine()
    {
        // One turn may bring another about.
        for (var i = 0; i < Graph.Turned.Count; i++) Unsettle(Graph.Turned[i]);
        Graph.Turned.Clear();
    }

    private void Unsettle(int node)
    {
        Graph.Nodes[node].IsUnsettled = true;
        Mark(node, CellFlags.Dirty);
        Reach(node, CellFlags.Membership);
    }

    // Of an edge whose ends are both in memory, both halves should have been read, or neither.
    private bool IsTorn(int node)
    {
        for (var edge = Graph.Nodes[node].FirstEdge; edge >= 0; edge = Graph.NextEdge(edge, node))
        {
            ref var e = ref Graph.Edge(edge);
            if (e.IsTorn && IsLoaded(e.Other(node))) return true;
        }
        return false;
    }

    /// <summary>False when an event reached identifiers that are not in memory yet: they must be, before a flush begins.</summary>
    public bool IsComplete => _incomplete.Count == 0;

    /// <summary>The nodes that must be loaded next for that. Draws the consequences once all are there.</summary>
    public int[] Complete()
    {
        _wanted.Clear();
        foreach (var (node, _) in _incomplete) WantNeighbours(node);
        if (!_incomplete.TrueForAll(i => HasAllNeighbours(i.Node))) return [.. _wanted];
        (int Node, CellFlags Marks)[] complete = [.. _incomplete];
        _incomplete.Clear();
        foreach (var (node, marks) in complete) Reach(node, marks);
        FollowQuarantine();
        return [];
    }

    private void Reach(int node, CellFlags marks)
    {
        if (!HasAllNeighbours(node))
        {
            _incomplete.Add((node, marks));
            return;
        }
        Graph.JudgeAll(node);
        Mark(node, CellFlags.Membership);
        for (var edge = Graph.Nodes[node].FirstEdge; edge >= 0; edge = Graph.NextEdge(edge, node))
        {
            Mark(Graph.Edge(edge).Other(node), marks);
            Graph.Join(edge);
        }
    }

    private bool IsLoaded(int node) => (_cells[node].Flags & CellFlags.Loaded) != 0;

    // Asks for what the node's customer depends on, and joins the islands of those that are there. A parked one depends on nobody.
    private void Connect(int node)
    {
        if (Graph.Nodes[node].IsParked) return;
        WantNeighbours(node);
        for (var edge = Graph.Nodes[node].FirstEdge; edge >= 0; edge = Graph.NextEdge(edge, node))
        {
            ref var e = ref Graph.Edge(edge);
            var other = e.Other(node);
            if (!IsLoaded(other)) continue;
            if (e.IsTorn)
            {
                _cells[node].Flags |= CellFlags.Torn;
                _cells[other].Flags |= CellFlags.Torn;
            }
            Graph.Join(edge);
        }
    }

    private void WantNeighbours(int node)
    {
        for (var edge = Graph.Nodes[node].FirstEdge; edge >= 0; edge = Graph.NextEdge(edge, node)) Want(Graph.Edge(edge).Other(node));
    }

    private bool HasAllNeighbours(int node)
    {
        for (var edge = Graph.Nodes[node].FirstEdge; edge >= 0; edge = Graph.NextEdge(edge, node))
            if (!IsLoaded(Graph.Edge(edge).Other(node))) return false;
        return true;
    }

    /// <summary>Resolves the islands whose cells were just read, so that their customers are known before anything is folded.</summary>
    public void ResolveArrived()
    {
        if (_arrived.Count == 0) return;
        var islands = new HashSet<int>();
        foreach (var node in _arrived)
            if (islands.Add(Graph.Island(node))) Resolver.Resolve(Graph.Island(node));
        _arrived.Clear();
    }

    /// <summary>Set when a loaded cell named one that is asked for and not in memory yet.</summary>
    public bool MetRequested { get; set; }

    /// <summary>The node of an identifier whose stored cell was read, though nobody has asked for it.</summary>
    /// <param name="mayLoad">False: only a node that is in memory is given, else -1.</param>
    /// <param name="takes">It is neither in memory nor asked for: the cell is to be taken in.</param>
    internal int NodeOf(ReadOnlySpan<byte> cell, bool mayLoad, out bool takes)
    {
        takes = false;
        var text = CellCodec.ReadIdentifier(cell, out var kind);
        var node = Graph.Nodes.Find(text);
        if (node >= 0 && IsLoaded(node) || !mayLoad && node < 0) return node;
        if (!mayLoad) return -1;
        node = Intern(kind, text, Fingerprint.Of(text));
        if ((_cells[node].Flags & CellFlags.Requested) != 0) MetRequested = true;
        else takes = true;
        _cells[node].Flags |= CellFlags.Requested;
        return node;
    }

    internal void Want(int node)
    {
        ref var cell = ref _cells[node];
        if ((cell.Flags & CellFlags.Loaded) != 0) return;
        if ((cell.Flags & CellFlags.Requested) != 0)
        {
            MetRequested = true;
            return;
        }
        cell.Flags |= CellFlags.Requested;
        _wanted.Add(node);
    }

    /// <summary>Forgets everything; what was not flushed must be applied again by the caller.</summary>
    public void Clear()
    {
        Generation++;
        _cells.Clear();
        _wanted.Clear();
        _changed.Clear();
        _arrived.Clear();
        _incomplete.Clear();
        _writers.RemoveRange(1, _writers.Count - 1);
        Graph.Clear();
        Shards.Clear();
        Conclusions.Clear();
    }
}
