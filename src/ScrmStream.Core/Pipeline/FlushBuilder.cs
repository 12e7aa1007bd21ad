using System.Runtime.InteropServices;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline;

/// <summary>
/// Turns what changed since the last flush into writes, slice by slice: each dirty cell once; then the views. An event that changed
/// shards only publishes its customer's root; where membership may have changed the whole island is resolved and published. Owned by
/// the deciding thread.
/// </summary>
public sealed class FlushBuilder(CustomerState state, CustomerPublisher publisher, ulong writerStamp)
{
    // Enough to keep Redis busy for some tens of milliseconds, and few inserts of change records; an arena of 8 MiB takes it.
    private const int SliceBytes = 15 * 512 * 1024;

    private readonly IdentityResolver _resolver = state.Resolver;
    private readonly EvidenceGraph _graph = state.Graph;
    private readonly List<(UInt128 Id, ulong Version)> _vector = [];
    private readonly ByteArena _vectors = new();
    // Of each island derived in this flush, its version vector.
    private readonly List<ArenaRange> _derivations = [];
    // Who has another customer than before, or not known which before.
    private readonly List<Remapping> _remapped = [];
    private readonly List<int> _dirty = [], _membership = [], _touched = [];
    private readonly List<int> _roots = [], _retired = [];
    // Nodes whose views are due, behind their bucket: stores write the keys of a bucket together.
    private readonly List<ulong> _due = [];
    private int _flush, _next;
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
        _flush++;
        _next = 0;
        _isAlone = publisher.IsAlone;
        _dirty.Clear();
        _membership.Clear();
        _touched.Clear();
        foreach (var node in state.Changed)
        {
            var flags = state[node].Flags;
            if ((flags & CellFlags.Dirty) != 0) _dirty.Add(node);
            if ((flags & CellFlags.Membership) != 0) _membership.Add(node);
            if ((flags & CellFlags.Touched) != 0) _touched.Add(node);
        }
        _vectors.Clear();
        _derivations.Clear();
        _retired.Clear();
        _remapped.Clear();
        _due.Clear();
        foreach (var node in _membership) NoteIsland(node);
        foreach (var node in _touched) NoteCustomer(node);
        CollectionsMarshal.AsSpan(_due).Sort();
        state.ClearChanged();
    }

    /// <summary>Fills a slice with cells; false when there are no more.</summary>
    public bool NextCells(FlushSlice slice)
    {
        slice.Clear();
        for (; _next < _dirty.Count && slice.Arena.Length < SliceBytes; _next++) WriteCell(slice, _dirty[_next]);
        return slice.Cells.Count > 0;
    }

    /// <summary>
    /// Goes over to the views. Every cell of the flush is stored by now. A mapping has the version of its identifier's cell, which is
    /// written whenever the mapping changes: so of two mappings the later one has the higher version, whichever process made it.
    /// </summary>
    public void BeginViews(Flush flush)
    {
        _next = 0;
        publisher.BeginViews();
        foreach (var remapping in _remapped)
        {
            var mapping = publisher.Map(remapping.Node, remapping.Now);
            flush.Mappings.Add(mapping);
            // Nobody was told anything of a new identifier that could change. Of one that this process did not publish itself it is not
            // known what was told: a repeat is announced rather than a change lost.
            if (remapping.IsNew) continue;
            var previous = remapping.Before > 0 ? publisher.IdOf(remapping.Before - 1) : default(IdentifierId?);
            flush.IdentityChanges.Add(new IdentityChange(mapping, remapping.Before != 0, previous));
        }
    }

    /// <summary>Fills a slice with views and the changes that they announce; false when there are no more.</summary>
    public bool NextViews(FlushSlice slice)
    {
        slice.Clear();
        if (_next == 0)
            foreach (var root in _retired) publisher.Retire(slice, root);
        for (; _next < _due.Count && slice.Arena.Length < SliceBytes; _next++)
        {
            var node = (int)(uint)_due[_next];
            var vector = slice.Arena.Add(_vectors[_derivations[state[node].Derivation]]);
            if (_graph.Nodes[node].Root == node) publisher.PublishCustomer(slice, node, vector);
            else publisher.PublishMember(slice, node, vector);
        }
        _retired.Clear();
        return slice.Views.Count + slice.TagChanges.Count + slice.ScoreChanges.Count > 0;
    }

    private void WriteCell(FlushSlice slice, int node)
    {
        ref var cell = ref state[node];
        var version = new CellVersion(cell.Version.Number + 1, writerStamp);
        var content = CellCodec.Write(state, node, version, slice.Arena);
        slice.Cells.Add(new CellWrite(new IdentifierId(_graph.Nodes[node].Id), cell.Version, content));
        cell.Version = version;
    }

    private void NoteIsland(int member)
    {
        // Its whole island is due.
        if (state[member].ViewFlush == _flush) return;
        var island = _graph.Island(member);
        _roots.Clear();
        var node = island;
        do
        {
            if (_graph.Nodes[node].Root == node) _roots.Add(node);
            node = _graph.Nodes[node].IslandNext;
        }
        while (node != island);
        _resolver.Resolve(island);
        foreach (var root in _roots)
            if (_graph.Nodes[root].Root != root) _retired.Add(root);
        foreach (var changed in _resolver.Members) NoteMapping(changed);
        var derivation = Derive(island);
        foreach (var due in _resolver.Members)
            if (IsDue(due)) NoteDue(due, derivation);
            else state[due].ViewFlush = _flush;
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
        _remapped.Add(new Remapping(node, root, cell.MappedTo, IsNew: cell.MappedTo == 0 && cell.Version == CellVersion.None));
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
        if (root < 0 || state[root].ViewFlush == _flush) return;
        var island = _graph.Island(root);
        state[root].Flags &= ~CellFlags.KnownMember;
        NoteDue(root, state[island].IslandFlush == _flush ? state[island].Derivation : Derive(island));
    }

    private void NoteDue(int node, int derivation)
    {
        ref var cell = ref state[node];
        (cell.ViewFlush, cell.Derivation) = (_flush, derivation);
        _due.Add((ulong)new IdentifierId(_graph.Nodes[node].Id).Bucket << 32 | (uint)node);
    }

    // Every cell of the island was read to derive its customers, so every one is in the vector, with the version that this flush gives it.
    private int Derive(int island)
    {
        _vector.Clear();
        var node = island;
        do
        {
            var version = state[node].Version.Number + ((state[node].Flags & CellFlags.Dirty) != 0 ? 1UL : 0);
            if (version > 0 && !_isAlone) _vector.Add((_graph.Nodes[node].Id, version));
            node = _graph.Nodes[node].IslandNext;
        }
        while (node != island);
        ref var cell = ref state[island];
        (cell.IslandFlush, cell.Derivation) = (_flush, _derivations.Count);
        _derivations.Add(WriteVector());
        return cell.Derivation;
    }

    private ArenaRange WriteVector()
    {
        var entries = CollectionsMarshal.AsSpan(_vector);
        if (entries.Length > 1) entries.Sort(static (a, b) => a.Id.CompareTo(b.Id));
        var start = _vectors.Length;
        var room = _vectors.Append(entries.Length * VersionVector.EntryBytes);
        for (var i = 0; i < entries.Length; i++) VersionVector.WriteEntry(room, i, entries[i].Id, entries[i].Version);
        return _vectors.Since(start);
    }
}
