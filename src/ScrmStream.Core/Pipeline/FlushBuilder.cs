using System.Runtime.InteropServices;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline;

/// <summary>
/// Turns what changed since the last flush into writes, slice by slice: each dirty cell once; the mappings; then the views. An event
/// that changed shards only publishes its customer's root; where membership may have changed the whole island is resolved and
/// published. Owned by the deciding thread.
/// </summary>
public sealed class FlushBuilder(CustomerState state, CustomerPublisher publisher, ulong writerStamp)
{
    // Enough to keep Redis busy for some tens of milliseconds, and few inserts of change records; an arena of 8 MiB takes it.
    private const int SliceBytes = 15 * 512 * 1024;
    private const int SliceMappings = 65_536;

    // The first derivation of each flush: without a vector.
    private const int NoVector = 0;

    private readonly IdentityResolver _resolver = state.Resolver;
    private readonly EvidenceGraph _graph = state.Graph;
    private readonly List<(UInt128 Id, ulong Version)> _vector = [];
    private readonly ByteArena _vectors = new();
    // Of each island derived in this flush, its version vector.
    private readonly List<ArenaRange> _derivations = [];
    // Islands of customers in which nothing but shards changed, and what they are derived from.
    private readonly Dictionary<int, int> _islands = [];
    // Every node that this flush has dealt with, and what its view is derived from.
    private readonly List<(int Node, int Derivation)> _noted = [];
    // Who has another customer than before, or not known which before.
    private readonly List<Remapping> _remapped = [];
    private readonly List<int> _dirty = [], _membership = [], _touched = [], _timed = [];
    private readonly List<int> _settling = [];
    // Nodes whose views are due, behind their bucket: stores write the keys of a bucket together.
    private readonly List<ulong> _due = [];
    private int _next;
    private bool _isAlone;

    // The customer now, and the one that readers know: node + 1, 0 not known, -1 nobody.
    private readonly record struct Remapping(int Node, int Now, int Before, bool IsNew);

    /// <summary>
    /// While this process writes alone, events may be folded between two slices: a cell or view then holds more than its flush, which
    /// fences make harmless, for no other process derives anything from it (docs/decisions/0009).
    /// </summary>
    public bool AllowsFolding => _isAlone;

    /// <summary>
    /// Takes over what changed since the last flush, and finds out whose views are due; what changes from now on belongs to the next one.
    /// Customers are resolved here, on the evidence of this flush: later evidence may name identifiers that have no stored cell yet,
    /// and a view without a cell would be forgotten by a crash.
    /// </summary>
    public void Begin()
    {
        _next = 0;
        _isAlone = publisher.IsAlone;
        _dirty.Clear();
        _membership.Clear();
        _touched.Clear();
        _timed.Clear();
        _settling.Clear();
        MakeRoom(state.Changed.Length);
        foreach (var node in state.Changed)
        {
            var flags = state[node].Flags;
            if ((flags & CellFlags.Dirty) != 0) _dirty.Add(node);
            if ((flags & CellFlags.Membership) != 0) _membership.Add(node);
            if ((flags & CellFlags.Touched) != 0) _touched.Add(node);
            else if ((flags & CellFlags.Due) != 0) _timed.Add(node);
            NoteUnsettled(node);
        }
        _vectors.Clear();
        _derivations.Clear();
        _derivations.Add(default);
        _islands.Clear();
        _noted.Clear();
        _remapped.Clear();
        _due.Clear();
        for (var i = 0; i < _membership.Count; i++)
        {
            if (i % StateHints.Together == 0) state.Hints.BeforeResolve(StateHints.Next(CollectionsMarshal.AsSpan(_membership), i));
            NoteIsland(_membership[i]);
        }
        foreach (var node in _touched) NoteCustomer(node);
        foreach (var node in _timed) NoteTimed(node);
        CollectionsMarshal.AsSpan(_due).Sort();
        state.ClearChanged();
    }

    /// <summary>Fills a slice with cells; false when there are no more.</summary>
    public bool NextCells(FlushSlice slice)
    {
        slice.Clear();
        for (; _next < _dirty.Count && slice.Arena.Length < SliceBytes; _next++)
        {
            if (_next % StateHints.Together == 0) state.Hints.BeforeCells(StateHints.Next(CollectionsMarshal.AsSpan(_dirty), _next));
            WriteCell(slice, _dirty[_next]);
        }
        return slice.Cells.Count > 0;
    }

    /// <summary>
    /// Goes over to the mappings. Every cell of the flush is stored by now. A mapping has the version of its identifier's cell, which is
    /// written whenever the mapping changes: so of two mappings the later one has the higher version, whichever process made it.
    /// </summary>
    public void BeginMappings()
    {
        _next = 0;
        publisher.BeginPublishing();
    }

    /// <summary>Fills a slice with mappings and the changes of customers among them; false when there are no more.</summary>
    public bool NextMappings(FlushSlice slice)
    {
        slice.Clear();
        for (; _next < _remapped.Count && slice.Mappings.Count < SliceMappings; _next++)
        {
            var remapping = _remapped[_next];
            var mapping = publisher.Map(remapping.Node, remapping.Now);
            slice.Mappings.Add(mapping);
            // Nobody was told anything of a new identifier that could change. Of one that this process did not publish itself it is not
            // known what was told: a repeat is announced rather than a change lost.
            if (remapping.IsNew) continue;
            var previous = remapping.Before > 0 ? publisher.IdOf(remapping.Before - 1) : default(IdentifierId?);
            slice.IdentityChanges.Add(new IdentityChange(mapping, remapping.Before != 0, previous));
        }
        return slice.Mappings.Count > 0;
    }

    /// <summary>Goes over to the views. What they say of customers is announced by now.</summary>
    public void BeginViews() => _next = 0;

    /// <summary>Fills a slice with views and the changes that they announce; false when there are no more.</summary>
    public bool NextViews(FlushSlice slice)
    {
        slice.Clear();
        for (; _next < _due.Count && slice.Arena.Length < SliceBytes; _next++)
        {
            if (_next % StateHints.Together == 0) state.Hints.BeforeViews(StateHints.Next(CollectionsMarshal.AsSpan(_due), _next));
            var node = (int)(uint)_due[_next];
            var vector = slice.Arena.Add(_vectors[_derivations[_noted[state[node].Noted].Derivation]]);
            if (_graph.Nodes[node].Root == node) publisher.PublishCustomer(slice, node, vector);
            else publisher.PublishMember(slice, node, vector);
        }
        return slice.Views.Count + slice.TagChanges.Count + slice.ScoreChanges.Count > 0;
    }

    /// <summary>All views are published: what quarantine did is settled.</summary>
    public void Published()
    {
        foreach (var node in _settling) _graph.Nodes[node].IsSettling = false;
        _settling.Clear();
    }

    // A list that grows by doubling leaves as much garbage behind as it holds, and a flush may change millions of identifiers.
    private void MakeRoom(int changed)
    {
        _dirty.EnsureCapacity(changed);
        _membership.EnsureCapacity(changed);
        _touched.EnsureCapacity(changed);
        _due.EnsureCapacity(changed);
        _noted.EnsureCapacity(changed);
        _remapped.EnsureCapacity(changed);
    }

    private void NoteUnsettled(int node)
    {
        ref var n = ref _graph.Nodes[node];
        if (!n.IsUnsettled) return;
        (n.IsUnsettled, n.IsSettling) = (false, true);
        _settling.Add(node);
    }

    private void WriteCell(FlushSlice slice, int node)
    {
        var stored = state.Version(node);
        var version = new CellVersion(stored.Number + 1, writerStamp);
        var content = CellCodec.Write(state, node, version, slice.Arena);
        slice.Cells.Add(new CellWrite(new IdentifierId(_graph.Nodes[node].Id), stored, content));
        state.SetVersion(node, version);
    }

    private void NoteIsland(int member)
    {
        // Its whole island is due.
        if (IsNoted(member)) return;
        var island = _graph.Island(member);
        _resolver.Resolve(island);
        foreach (var changed in _resolver.Members) NoteMapping(changed);
        var derivation = Derive(island);
        foreach (var due in _resolver.Members) Note(due, derivation, IsDue(due));
    }

    // Another customer than before, or not known which before: the cell is written along, for its version is the mapping's.
    private void NoteMapping(int node)
    {
        ref var cell = ref state[node];
        var root = _graph.Nodes[node].Root;
        var mapped = root < 0 ? -1 : root + 1;
        // Published by this process, and not as a customer: it has neither tags nor a place on a board.
        if (cell.MappedTo != 0 && cell.MappedTo != node + 1) cell.Flags |= CellFlags.KnownMember;
        else cell.Flags &= ~CellFlags.KnownMember;
        if (cell.MappedTo == mapped)
        {
            cell.Flags |= CellFlags.SameCustomer;
            return;
        }
        cell.Flags &= ~CellFlags.SameCustomer;
        _remapped.Add(new Remapping(node, root, cell.MappedTo, IsNew: cell.MappedTo == 0 && cell.VersionNumber == 0));
        cell.MappedTo = mapped;
        if ((cell.Flags & CellFlags.Dirty) != 0) return;
        state.Mark(node, CellFlags.Dirty);
        _dirty.Add(node);
    }

    // Nobody else can have published something older over what an identifier was before, while this process writes alone.
    private bool IsDue(int node) =>
        _graph.Nodes[node].Root == node || !_isAlone || (state[node].Flags & CellFlags.SameCustomer) == 0;

    private void NoteCustomer(int anchor)
    {
        var root = _graph.Nodes[anchor].Root;
        if (root < 0 || IsNoted(root)) return;
        state[root].Flags &= ~CellFlags.KnownMember;
        var island = _graph.Island(root);
        if (!_islands.TryGetValue(island, out var derivation)) _islands.Add(island, derivation = Derive(island));
        Note(root, derivation, isDue: true);
    }

    // Nothing happened to the customer but that time passed.
    private void NoteTimed(int node)
    {
        var root = _graph.Nodes[node].Root;
        if (root < 0 || IsNoted(root)) return;
        NoteCustomer(root);
        state[root].Flags |= CellFlags.Due;
    }

    private void Note(int node, int derivation, bool isDue)
    {
        state[node].Flags &= ~CellFlags.Due;
        state[node].Noted = _noted.Count;
        _noted.Add((node, derivation));
        if (isDue) _due.Add((ulong)new IdentifierId(_graph.Nodes[node].Id).Bucket << 32 | (uint)node);
    }

    private bool IsNoted(int node) => state[node].Noted is var at && at < _noted.Count && _noted[at].Node == node;

    // Every cell that was read to derive the island's customers is in the vector, with the version that this flush gives it: its
    // members, and the parked identifiers at its border. One that is not stored yet is there as version 0; what is not there was not read.
    private int Derive(int island)
    {
        if (_isAlone) return NoVector;
        _vector.Clear();
        var node = island;
        do
        {
            AddToVector(node);
            if (_graph.HasParked) AddBorder(node);
            node = _graph.Nodes[node].IslandNext;
        }
        while (node != island);
        _derivations.Add(WriteVector());
        return _derivations.Count - 1;
    }

    private void AddToVector(int node)
    {
        ref var cell = ref state[node];
        _vector.Add((_graph.Nodes[node].Id, cell.VersionNumber + ((cell.Flags & CellFlags.Dirty) != 0 ? 1UL : 0)));
    }

    private void AddBorder(int member)
    {
        if (_graph.Nodes[member].IsParked) return;
        for (var edge = _graph.Nodes[member].FirstEdge; edge >= 0; edge = _graph.NextEdge(edge, member))
        {
            var other = _graph.Edge(edge).Other(member);
            if (_graph.Nodes[other].IsParked) AddToVector(other);
        }
    }

    private ArenaRange WriteVector()
    {
        var entries = CollectionsMarshal.AsSpan(_vector);
        if (entries.Length > 1) entries = Distinct(entries);
        var start = _vectors.Length;
        var room = _vectors.Append(entries.Length * VersionVector.EntryBytes);
        for (var i = 0; i < entries.Length; i++) VersionVector.WriteEntry(room, i, entries[i].Id, entries[i].Version);
        return _vectors.Since(start);
    }

    // Sorts; a parked identifier may border on several members.
    private static Span<(UInt128 Id, ulong Version)> Distinct(Span<(UInt128 Id, ulong Version)> entries)
    {
        entries.Sort(static (a, b) => a.Id.CompareTo(b.Id));
        var kept = 1;
        for (var i = 1; i < entries.Length; i++)
            if (entries[i].Id != entries[kept - 1].Id) entries[kept++] = entries[i];
        return entries[..kept];
    }
}
