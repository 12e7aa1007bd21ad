using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>
/// Turns an island's evidence into customers: a pure function of the edges, whatever order they came in. Parked edges are left out;
/// strong edges are united as Kruskal's algorithm does, an edge that would break a limit being refused; then devices join (rules 4 to
/// 7 of identity).
/// Writes <see cref="IdentifierNode.Root"/> and the customers' rings. One thread; its arrays are reused.
/// </summary>
public sealed class IdentityResolver(EvidenceGraph graph, IdentityOptions options)
{
    private readonly int _rawComponentMax = options.RawComponentMax;
    private readonly IdentifierTable _nodes = graph.Nodes;
    private readonly KindTable _kinds = graph.Kinds;
    private readonly List<int> _members = [];
    private readonly List<int> _strongEdges = [];
    private readonly List<int> _deviceEdges = [];
    private readonly List<int> _aliasEdges = [];
    private readonly DeviceGroups _deviceGroups = new();
    private readonly RawComponents _raw = new();
    private int[] _component = new int[64];
    private int[] _next = new int[64];
    private int[] _groupCounts = new int[64];
    // False for the other texts of a value that is counted already.
    private bool[] _isCounted = new bool[64];

    /// <summary>The members of the island last resolved.</summary>
    public IReadOnlyList<int> Members => _members;

    /// <summary>Edges that the last call refused because a union would have broken a limit.</summary>
    public List<int> Refused { get; } = [];

    /// <summary>Edges between strong identifiers that the last call united two components by: a tree within each customer.</summary>
    public List<int> Accepted { get; } = [];

    /// <summary>Edges of contacts that the last call left out because strong edges connect too many identifiers around them.</summary>
    public List<int> ParkedContacts { get; } = [];

    public void Resolve(int island)
    {
        Collect(island);
        UniteAliases();
        if (_members.Count > _rawComponentMax) ParkContacts();
        UniteStrong();
        PlaceDevices();
        NameCustomers();
    }

    private void Collect(int island)
    {
        _members.Clear();
        _strongEdges.Clear();
        _deviceEdges.Clear();
        _aliasEdges.Clear();
        Refused.Clear();
        ParkedContacts.Clear();
        Accepted.Clear();
        var node = island;
        do
        {
            _nodes[node].Local = _members.Count;
            _members.Add(node);
            node = _nodes[node].IslandNext;
        }
        while (node != island);
        if (_component.Length < _members.Count) Array.Resize(ref _component, _members.Count * 2);
        if (_next.Length < _members.Count) Array.Resize(ref _next, _members.Count * 2);
        if (_isCounted.Length < _members.Count) Array.Resize(ref _isCounted, _members.Count * 2);
        if (_groupCounts.Length < _nodes.LimitGroups) Array.Resize(ref _groupCounts, _nodes.LimitGroups * 2);
        for (var i = 0; i < _members.Count; i++)
        {
            (_component[i], _next[i], _isCounted[i]) = (i, i, true);
            CollectEdges(_members[i]);
        }
    }

    private void CollectEdges(int node)
    {
        for (var edge = _nodes[node].FirstEdge; edge >= 0; edge = graph.NextEdge(edge, node))
        {
            ref var e = ref graph.Edge(edge);
            // Over an edge that is not open yet, its other end may be elsewhere.
            if (e.A != node || !e.Counts || !graph.IsOpen(in e) || _nodes[e.B].Local < 0) continue;
            (e.IsAlias ? _aliasEdges : IsDevice(e.A) || IsDevice(e.B) ? _deviceEdges : _strongEdges).Add(edge);
        }
    }

    // One value under two keys is one, before any rule: of its texts, one counts.
    private void UniteAliases()
    {
        foreach (var edge in _aliasEdges)
        {
            ref var e = ref graph.Edge(edge);
            var (a, b) = (_nodes[e.A].Local, _nodes[e.B].Local);
            if (_component[a] == _component[b]) continue;
            var i = b;
            do
            {
                _isCounted[i] = false;
                i = _next[i];
            }
            while (i != b);
            Unite(a, b);
            Accepted.Add(edge);
        }
    }

    // Rule 4: a raw component beyond the limit is no person and no family; without its contact edges it falls apart.
    private void ParkContacts()
    {
        _raw.Reset(_members.Count);
        foreach (var edge in _strongEdges) _raw.Join(_nodes[graph.Edge(edge).A].Local, _nodes[graph.Edge(edge).B].Local);
        ParkedContacts.AddRange(
            _strongEdges.Where(edge => HasContactEnd(edge) && _raw.Size(_nodes[graph.Edge(edge).A].Local) > _rawComponentMax));
        if (ParkedContacts.Count > 0) _strongEdges.RemoveAll(new HashSet<int>(ParkedContacts).Contains);
    }

    private bool HasContactEnd(int edge) => IsContact(graph.Edge(edge).A) || IsContact(graph.Edge(edge).B);

    private bool IsContact(int node) => _kinds.IsContact(_nodes[node].Kind);

    private void UniteStrong()
    {
        if (_strongEdges.Count > 1) _strongEdges.Sort(CompareEdges);
        foreach (var edge in _strongEdges)
        {
            ref var e = ref graph.Edge(edge);
            var (a, b) = (_nodes[e.A].Local, _nodes[e.B].Local);
            if (_component[a] == _component[b]) continue;
            var fits = WithinLimits(a, b);
            if (fits) Unite(a, b);
            (fits ? Accepted : Refused).Add(edge);
        }
    }

    // Class of the weaker end, class of the stronger end, order time, then the two identifiers in byte order.
    private int CompareEdges(int x, int y)
    {
        var byClass = EdgeClasses(x).CompareTo(EdgeClasses(y));
        if (byClass != 0) return byClass;
        var byTime = graph.OrderTimeMs(x).CompareTo(graph.OrderTimeMs(y));
        if (byTime != 0 || x == y) return byTime;
        var (lowX, highX) = ByBytes(x);
        var (lowY, highY) = ByBytes(y);
        var byLow = _nodes.Text(lowX).SequenceCompareTo(_nodes.Text(lowY));
        return byLow != 0 ? byLow : _nodes.Text(highX).SequenceCompareTo(_nodes.Text(highY));
    }

    private int EdgeClasses(int edge)
    {
        ref var e = ref graph.Edge(edge);
        var (a, b) = ((int)_kinds.ClassOf(_nodes[e.A].Kind), (int)_kinds.ClassOf(_nodes[e.B].Kind));
        return Math.Max(a, b) * 16 + Math.Min(a, b);
    }

    private (int Low, int High) ByBytes(int edge)
    {
        ref var e = ref graph.Edge(edge);
        return _nodes.Text(e.A).SequenceCompareTo(_nodes.Text(e.B)) <= 0 ? (e.A, e.B) : (e.B, e.A);
    }

    private bool WithinLimits(int a, int b)
    {
        var within = AddCounts(a) & AddCounts(b);
        ClearCounts(a);
        ClearCounts(b);
        return within;
    }

    private bool AddCounts(int start)
    {
        var within = true;
        var i = start;
        do
        {
            ref var node = ref _nodes[_members[i]];
            if (node.LimitGroup >= 0 && _isCounted[i] && ++_groupCounts[node.LimitGroup] > _kinds.ValuesMaxOf(node.Kind)) within = false;
            i = _next[i];
        }
        while (i != start);
        return within;
    }

    private void ClearCounts(int start)
    {
        var i = start;
        do
        {
            var group = _nodes[_members[i]].LimitGroup;
            if (group >= 0) _groupCounts[group] = 0;
            i = _next[i];
        }
        while (i != start);
    }

    private void Unite(int a, int b)
    {
        if (_component[a] == _component[b]) return;
        var label = _component[a];
        var i = b;
        do
        {
            _component[i] = label;
            i = _next[i];
        }
        while (i != b);
        (_next[a], _next[b]) = (_next[b], _next[a]);
    }

    private bool IsDevice(int node) => _kinds.IsDevice(_nodes[node].Kind);

    private bool IsDeviceGroupEdge(int edge) => IsDevice(graph.Edge(edge).A) && IsDevice(graph.Edge(edge).B);

    // Rule 6. Strong components are final here; each device group, or each device of a contested group, joins at most one of them.
    private void PlaceDevices()
    {
        if (_deviceEdges.Count == 0) return;
        var groups = _deviceGroups;
        groups.Reset(_members.Count);
        foreach (var edge in _deviceEdges)
            if (IsDeviceGroupEdge(edge)) groups.Join(_nodes[graph.Edge(edge).A].Local, _nodes[graph.Edge(edge).B].Local);
        foreach (var edge in _deviceEdges)
        {
            if (IsDeviceGroupEdge(edge)) continue;
            ref var e = ref graph.Edge(edge);
            var (device, strong) = IsDevice(e.A) ? (e.A, e.B) : (e.B, e.A);
            groups.Meet(_nodes[device].Local, _component[_nodes[strong].Local]);
        }
        for (var i = 0; i < _members.Count; i++)
            if (IsDevice(_members[i])) groups.Decide(i);
        for (var i = 0; i < _members.Count; i++)
        {
            if (!IsDevice(_members[i])) continue;
            var target = groups.TargetOf(i);
            if (target >= 0) Unite(target, i);
        }
    }

    // Naming takes a component's members out of the count by setting Local to -1.
    private void NameCustomers()
    {
        for (var i = 0; i < _members.Count; i++)
            if (_nodes[_members[i]].Local >= 0) NameCustomer(i);
    }

    private void NameCustomer(int start)
    {
        var (root, hasEvents) = (_members[start], false);
        var i = start;
        do
        {
            var node = _members[i];
            hasEvents |= _nodes[node].HasEvents;
            if (IsBetterRoot(node, root)) root = node;
            i = _next[i];
        }
        while (i != start);
        do
        {
            ref var node = ref _nodes[_members[i]];
            node.Root = hasEvents ? root : -1;
            node.CustomerNext = _members[_next[i]];
            node.Local = -1;
            i = _next[i];
        }
        while (i != start);
    }

    // Strong before device, then earliest first seen, then class, kind, scope, value.
    private bool IsBetterRoot(int node, int than)
    {
        if (node == than) return false;
        var byStrong = IsDevice(node).CompareTo(IsDevice(than));
        if (byStrong != 0) return byStrong < 0;
        ref var a = ref _nodes[node];
        ref var b = ref _nodes[than];
        if (a.FirstSeenMs != b.FirstSeenMs) return a.FirstSeenMs < b.FirstSeenMs;
        return _kinds.CompareStrength(a.Kind, _nodes.Text(node), b.Kind, _nodes.Text(than)) < 0;
    }
}
