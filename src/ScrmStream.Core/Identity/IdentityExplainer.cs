using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>
/// Says why two identifiers are one customer, or which rule keeps them apart. It decides nothing: the resolver has, and this reads its
/// result and the evidence. For people who ask, so it takes a few dictionaries an island. One thread, the graph's owner.
/// </summary>
public sealed class IdentityExplainer(EvidenceGraph graph, IdentityResolver resolver, IdentityOptions options)
{
    private readonly IdentifierTable _nodes = graph.Nodes;
    private readonly KindTable _kinds = graph.Kinds;
    // Of the islands last studied: which member stands for a node's component, which group a device is in, which edges make customers.
    private readonly Dictionary<int, int> _component = [];
    private readonly Dictionary<int, DeviceGroup> _group = [];
    private readonly HashSet<int> _joining = [];
    private readonly HashSet<int> _parkedContacts = [];

    private sealed record DeviceGroup(List<int> Devices, HashSet<int> Components);

    /// <summary>Explains two identifiers whose whole islands are in the graph. Resolves their islands.</summary>
    public IdentityExplanation Explain(int a, int b)
    {
        Study(a, b);
        if (_component[a] == _component[b]) return new IdentityExplanation(true, Way(a, b, _joining.Contains)!);
        var links = Way(a, b, edge => Joins(edge) || Holds(edge) && IsCrossing(edge))
            ?? Way(a, b, edge => Joins(edge) || graph.Edge(edge).Counts && IsCrossing(edge))
            ?? Way(a, b, edge => Joins(edge) || HasEvidence(edge) && IsCrossing(edge));
        return new IdentityExplanation(false, links ?? []);
    }

    /// <summary>What the union over a refused edge would break. The edge's island is resolved.</summary>
    public LinkCut.OverLimit LimitOf(int refused)
    {
        ref var e = ref graph.Edge(refused);
        var broken = Component(e.A).Concat(Component(e.B)).Where(n => _nodes[n].LimitGroup >= 0)
            .GroupBy(n => _nodes[n].LimitGroup).Where(g => g.Count() > ValuesMax(g.First()))
            .MinBy(g => _kinds.RankOf(_nodes[g.First()].Kind))!;
        return new LinkCut.OverLimit([.. broken], ValuesMax(broken.First()));
    }

    // The islands of both, and of the identifiers in quarantine at their borders: over these alone could they be connected.
    private void Study(int a, int b)
    {
        _component.Clear();
        _group.Clear();
        _joining.Clear();
        _parkedContacts.Clear();
        StudyIsland(a);
        StudyIsland(b);
        var border = _component.Keys.SelectMany(node => EdgesOf(node).Select(edge => graph.Edge(edge).Other(node)));
        foreach (var node in border.Where(n => _nodes[n].IsParked).ToArray()) StudyIsland(node);
    }

    private void StudyIsland(int member)
    {
        if (_component.ContainsKey(member)) return;
        resolver.Resolve(graph.Island(member));
        _parkedContacts.UnionWith(resolver.ParkedContacts);
        foreach (var node in resolver.Members)
            if (!_component.ContainsKey(node))
                foreach (var one in Component(node)) _component[one] = node;
        foreach (var device in resolver.Members)
            if (IsDevice(device) && !_group.ContainsKey(device)) CollectGroup(device);
        _joining.UnionWith(resolver.Accepted);
        foreach (var device in resolver.Members.Where(IsDevice))
            foreach (var edge in EdgesOf(device))
                if (JoinsDevice(edge)) _joining.Add(edge);
    }

    private void CollectGroup(int device)
    {
        var group = new DeviceGroup([device], []);
        _group[device] = group;
        for (var i = 0; i < group.Devices.Count; i++)
        {
            foreach (var edge in EdgesOf(group.Devices[i]).Where(Holds))
            {
                var other = graph.Edge(edge).Other(group.Devices[i]);
                if (!IsDevice(other)) group.Components.Add(_component[other]);
                else if (_group.TryAdd(other, group)) group.Devices.Add(other);
            }
        }
    }

    // Rule 6: devices keep together unless their group is contested; a device joins the component that an edge leads to, or none.
    private bool JoinsDevice(int edge)
    {
        ref var e = ref graph.Edge(edge);
        if (!Holds(edge) || _component[e.A] != _component[e.B]) return false;
        return !IsDevice(e.A) || !IsDevice(e.B) || _group[e.A].Components.Count < 2;
    }

    /// <summary>The rules in their order: the first that speaks against the edge. Null: nothing does.</summary>
    private LinkCut? CutOf(int edge)
    {
        ref var e = ref graph.Edge(edge);
        if (!IsCrossing(edge)) return null;
        if (UnbindOf(edge) is { } unbound && unbound.AtMs >= e.LastMs) return unbound;
        if (!e.Counts) return ExpiryOf(edge);
        if (!graph.IsOpen(in e)) return new LinkCut.Parked(_nodes[e.A].IsParked ? e.A : e.B, options.NeighboursMax);
        if (_parkedContacts.Contains(edge)) return new LinkCut.ParkedContact(options.RawComponentMax);
        return IsDevice(e.A) || IsDevice(e.B) ? SharingOf(in e) : LimitOf(edge);
    }

    // A stored half has the unbinds of either end too, so at the same time it was that end.
    private LinkCut.Unbound UnbindOf(int edge)
    {
        ref var e = ref graph.Edge(edge);
        var (a, b) = (new LinkCut.Unbound(_nodes.UnboundMs(e.A), e.A), new LinkCut.Unbound(_nodes.UnboundMs(e.B), e.B));
        var alone = a.AtMs >= b.AtMs ? a : b;
        return graph.UnboundMs(edge) > alone.AtMs ? new LinkCut.Unbound(graph.UnboundMs(edge), -1) : alone;
    }

    private LinkCut.BridgeExpired ExpiryOf(int edge)
    {
        ref var e = ref graph.Edge(edge);
        var isA = _nodes[e.A].Kind.IsBridge()
            && (!_nodes[e.B].Kind.IsBridge() || _nodes[e.A].FirstSeenMs <= _nodes[e.B].FirstSeenMs);
        var bridge = isA ? e.A : e.B;
        return new LinkCut.BridgeExpired(bridge, _nodes[bridge].FirstSeenMs, graph.OrderTimeMs(edge));
    }

    private LinkCut.SharedDevice SharingOf(in EvidenceEdge e)
    {
        if (IsDevice(e.A) && IsDevice(e.B)) return new LinkCut.SharedDevice(_group[e.A].Devices, Roots(_group[e.A].Components));
        var device = IsDevice(e.A) ? e.A : e.B;
        var own = EdgesOf(device).Where(Holds).Select(edge => graph.Edge(edge).Other(device)).Where(n => !IsDevice(n));
        return new LinkCut.SharedDevice([device], Roots(own.Select(n => _component[n]).Distinct()));
    }

    private List<int> Roots(IEnumerable<int> components) => [.. components.Select(c => _nodes[c].Root >= 0 ? _nodes[c].Root : c)];

    private bool Joins(int edge) => _joining.Contains(edge);

    // Evidence that counts: what the resolver makes customers of.
    private bool Holds(int edge) =>
        graph.Edge(edge) is { Counts: true } e && graph.IsOpen(in e) && !_parkedContacts.Contains(edge);

    // An unbind that came before any evidence made the edge; nothing has shown it.
    private bool HasEvidence(int edge) => graph.Edge(edge).LastMs > long.MinValue;

    private bool IsCrossing(int edge) => _component[graph.Edge(edge).A] != _component[graph.Edge(edge).B];

    private bool IsDevice(int node) => _kinds.IsDevice(_nodes[node].Kind);

    private int ValuesMax(int node) => _kinds.ValuesMaxOf(_nodes[node].Kind);

    private IEnumerable<int> Component(int start)
    {
        var node = start;
        do
        {
            yield return node;
            node = _nodes[node].CustomerNext;
        }
        while (node != start);
    }

    private IEnumerable<int> EdgesOf(int node)
    {
        for (var edge = _nodes[node].FirstEdge; edge >= 0; edge = graph.NextEdge(edge, node)) yield return edge;
    }

    // The way with the fewest cut edges, of these the shortest; null when there is none.
    private List<ExplainedLink>? Way(int from, int to, Func<int, bool> mayTake)
    {
        const long Cut = 1L << 32;
        var cost = new Dictionary<int, long> { [from] = 0 };
        var cameBy = new Dictionary<int, int>();
        var next = new PriorityQueue<int, long>([(from, 0L)]);
        while (next.TryDequeue(out var node, out var soFar))
        {
            if (node == to) return Steps(from, to, cameBy);
            if (soFar > cost[node]) continue;
            foreach (var edge in EdgesOf(node).Where(e => _component.ContainsKey(graph.Edge(e).Other(node)) && mayTake(e)))
            {
                var (other, total) = (graph.Edge(edge).Other(node), soFar + 1 + (Joins(edge) ? 0 : Cut));
                if (cost.TryGetValue(other, out var known) && known <= total) continue;
                (cost[other], cameBy[other]) = (total, edge);
                next.Enqueue(other, total);
            }
        }
        return null;
    }

    private List<ExplainedLink> Steps(int from, int to, Dictionary<int, int> cameBy)
    {
        var links = new List<ExplainedLink>();
        for (var node = to; node != from;)
        {
            var before = graph.Edge(cameBy[node]).Other(node);
            links.Add(new ExplainedLink(before, node, cameBy[node], CutOf(cameBy[node])));
            node = before;
        }
        links.Reverse();
        return links;
    }
}
