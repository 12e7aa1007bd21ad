using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline;

/// <summary>
/// Brings the memory of many customers into the processor's cache at once, before one after the other is worked on: first what is
/// known where it is, then what lies behind that, and so on. Hints only (<see cref="CacheHint"/>); the deciding thread's.
/// </summary>
internal sealed class StateHints(CustomerState state, PagedArray<CellState> cells)
{
    /// <summary>Events or nodes asked for together: enough to hide the wait, few enough to stay in the cache until their turn.</summary>
    public const int Together = 32;

    private readonly EvidenceGraph _graph = state.Graph;
    private readonly IdentifierTable _nodes = state.Graph.Nodes;

    public static Span<T> Next<T>(Span<T> all, int first) => all.Slice(first, Math.Min(Together, all.Length - first));

    /// <summary>Before identifiers get their nodes.</summary>
    public void BeforeRequest(EventBatch batch, Span<TrackingEvent> events)
    {
        foreach (ref var e in events)
            foreach (ref var identifier in batch.IdentifiersOf(in e)) _nodes.PrefetchSlot(identifier.Fingerprint);
        foreach (ref var e in events)
            foreach (ref var identifier in batch.IdentifiersOf(in e)) identifier.Node = _nodes.PrefetchNode(identifier.Fingerprint);
        foreach (ref var e in events)
        {
            foreach (ref var identifier in batch.IdentifiersOf(in e))
            {
                if (identifier.Node < 0) continue;
                _nodes.PrefetchText(identifier.Node);
                cells.Prefetch(identifier.Node);
            }
        }
    }

    /// <summary>Before events are folded.</summary>
    public void BeforeFold(EventBatch batch, Span<TrackingEvent> events)
    {
        foreach (ref var e in events)
            foreach (ref var identifier in batch.IdentifiersOf(in e))
                if (identifier.Verified) Place(identifier.Node);
        foreach (ref var e in events)
        {
            state.Shards.PrefetchPlace(cells[batch.Identifiers[e.Anchor].Node].Shard);
            foreach (ref var identifier in batch.IdentifiersOf(in e))
                if (identifier.Verified) _graph.PrefetchEdge(identifier.Node);
        }
        foreach (ref var e in events) state.Shards.PrefetchBytes(cells[batch.Identifiers[e.Anchor].Node].Shard);
    }

    /// <summary>Before a flush looks at what changed.</summary>
    public void BeforeResolve(ReadOnlySpan<int> nodes)
    {
        foreach (var node in nodes) Place(node);
        foreach (var node in nodes)
        {
            _graph.PrefetchEdge(node);
            Place(_nodes[node].IslandNext);
        }
    }

    /// <summary>Before cells are encoded.</summary>
    public void BeforeCells(ReadOnlySpan<int> nodes)
    {
        foreach (var node in nodes) Place(node);
        foreach (var node in nodes)
        {
            _nodes.PrefetchText(node);
            _graph.PrefetchEdge(node);
            state.Shards.PrefetchPlace(cells[node].Shard);
        }
        foreach (var node in nodes)
        {
            state.Shards.PrefetchBytes(cells[node].Shard);
            if (_nodes[node].FirstEdge is var edge and >= 0) _nodes.Prefetch(_graph.Edge(edge).Other(node));
        }
        foreach (var node in nodes)
            if (_nodes[node].FirstEdge is var edge and >= 0) _nodes.PrefetchText(_graph.Edge(edge).Other(node));
    }

    /// <summary>Before views are derived; a node in the low half of each entry.</summary>
    public void BeforeViews(ReadOnlySpan<ulong> due)
    {
        foreach (var entry in due) Place((int)(uint)entry);
        foreach (var entry in due)
        {
            var node = (int)(uint)entry;
            state.Shards.PrefetchPlace(cells[node].Shard);
            state.Conclusions.PrefetchPlace(cells[node].Conclusion);
            Place(_nodes[node].CustomerNext);
            if (_nodes[node].Root is var root and >= 0) _nodes.Prefetch(root);
        }
        foreach (var entry in due)
        {
            var node = (int)(uint)entry;
            state.Shards.PrefetchBytes(cells[node].Shard);
            state.Conclusions.PrefetchBytes(cells[node].Conclusion);
            state.Shards.PrefetchPlace(cells[_nodes[node].CustomerNext].Shard);
        }
        foreach (var entry in due) state.Shards.PrefetchBytes(cells[_nodes[(int)(uint)entry].CustomerNext].Shard);
    }

    private void Place(int node)
    {
        _nodes.Prefetch(node);
        cells.Prefetch(node);
    }
}
