using System.Runtime.InteropServices;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Profiles;

namespace ScrmStream.Pipeline;

/// <summary>
/// All customer state in the process: evidence, shards, and where each cell stands. A cache of the cell store that can be forgotten
/// at any moment and read again. Invariant: when a node is loaded, its whole island is. Owned by the deciding thread.
/// </summary>
public sealed class CustomerState(IdentityOptions identity)
{
    private readonly HashSet<int> _arrived = [];
    private readonly PagedArray<CellState> _cells = new();
    private readonly List<int> _wanted = [];
    private readonly List<int> _changed = [];

    private IdentityResolver? _resolver;

    public EvidenceGraph Graph { get; } = new();
    public IdentityResolver Resolver => _resolver ??= new IdentityResolver(Graph, identity);
    public BlobStore Shards { get; } = new();
    public BlobStore Conclusions { get; } = new();

    public int Count => _cells.Count;

    public ref CellState this[int node] => ref _cells[node];

    /// <summary>Nodes the next flush must look at.</summary>
    public ReadOnlySpan<int> Changed => CollectionsMarshal.AsSpan(_changed);

    public void ClearChanged()
    {
        foreach (var node in _changed)
            _cells[node].Flags &= ~(CellFlags.Dirty | CellFlags.Touched | CellFlags.Membership | CellFlags.Listed);
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
        foreach (ref var e in batch.Events)
        {
            foreach (ref var identifier in batch.IdentifiersOf(in e))
            {
                if (!identifier.Verified) continue;
                identifier.Node = Intern(identifier.Kind, batch.Text(identifier.Text), identifier.Fingerprint);
                Want(identifier.Node);
            }
        }
        return _wanted.Count == 0 ? [] : [.. _wanted];
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
        return [.. _wanted];
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
        _cells.Clear();
        _wanted.Clear();
        _changed.Clear();
        _arrived.Clear();
        Graph.Clear();
        Shards.Clear();
        Conclusions.Clear();
    }
}
