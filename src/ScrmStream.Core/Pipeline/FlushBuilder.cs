using System.Runtime.InteropServices;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline;

/// <summary>
/// Turns what changed since the last flush into writes, slice by slice: each dirty cell once; then the views, with the mappings and
/// changes that they announce. An event that changed shards only publishes its customer's root; where membership may have changed the
/// whole island is resolved and published. Owned by the deciding thread.
/// </summary>
/// <param name="cellsAfter">Versions of cells are greater than this.</param>
public sealed class FlushBuilder(CustomerState state, CustomerPublisher publisher, ulong writerStamp, ulong cellsAfter = 0)
{
    // Enough to keep Redis busy for some tens of milliseconds, and few inserts of change records; an arena of 8 MiB takes it.
    private const int SliceBytes = 15 * 512 * 1024;
    // Some tenths of a second of a busy stream.
    private const int ViewsOfASlice = 20_000;
    // Islands resolved between two looks at whether a slice has been written: some tenths of a millisecond.
    private const int ResolvedTogether = 256;

    private const CellFlags TornAndWritten = CellFlags.Torn | CellFlags.Dirty;

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
    // Every node that this flush has dealt with.
    private readonly List<Noted> _noted = [];
    private readonly List<int> _dirty = [], _membership = [], _touched = [], _timed = [];
    private readonly List<int> _settling = [];
    // Nodes whose views are due, behind their bucket: stores write the keys of a bucket together.
    private readonly List<ulong> _due = [];
    private int _next, _nextMember, _viewSlices;
    private bool _isAlone, _isResolved;

    private enum Told : byte
    {
        /// <summary>Its mapping is the one that readers know.</summary>
        Same,
        /// <summary>It is mapped for the first time; nobody was told anything that could change.</summary>
        First,
        /// <summary>It has another customer than before, or it is not known which before.</summary>
        Anew,
    }

    // What its view is derived from; whether its mapping is to be told; the customer that readers know: node + 1, 0 not known, -1 nobody.
    private readonly record struct Noted(int Node, int Derivation, int Before, Told Told);

    /// <summary>
    /// While this process writes alone, events may be folded between two slices: a cell or view then holds more than its flush, which
    /// fences make harmless, for no other process derives anything from it (docs/decisions/0009).
    /// </summary>
    public bool AllowsFolding => _isAlone;

    /// <summary>
    /// Takes over what changed since the last flush; what changes from now on belongs to the next one. Customers are resolved on the
    /// evidence of this flush: later evidence may name identifiers that have no stored cell yet, and a view without a cell would be
    /// forgotten by a crash. A process that writes alone resolves while it waits for the first cells to be stored
    /// (<see cref="ResolveSome"/>); otherwise all is resolved here, for vectors hold the versions from before.
    /// </summary>
    public void Begin()
    {
        publisher.BeginFlush();
        _isAlone = publisher.IsAlone;
        (_next, _nextMember, _isResolved) = (0, 0, false);
        _dirty.Clear();
        _membership.Clear();
        _touched.Clear();
        _timed.Clear();
        _settling.Clear();
        _vectors.Clear();
        _derivations.Clear();
        _derivations.Add(default);
        _islands.Clear();
        _noted.Clear();
        _due.Clear();
        MakeRoom(state.Changed.Length);
        foreach (var node in state.Changed)
        {
            var flags = state[node].Flags;
            if ((flags & CellFlags.Dirty) != 0) _dirty.Add(node);
            var isMended = (flags & TornAndWritten) == TornAndWritten;
            if (isMended) state[node].Flags &= ~CellFlags.Torn;
            if (isMended || (flags & CellFlags.Membership) != 0) _membership.Add(node);
            if ((flags & CellFlags.Touched) != 0) _touched.Add(node);
            else if ((flags & CellFlags.Due) != 0) _timed.Add(node);
            NoteUnsettled(node);
        }
        if (_isAlone) SortByBucket(_dirty);
        else Resolve();
    }

    /// <summary>Resolves some more islands; false when all are. Nothing may be folded before.</summary>
    public bool ResolveSome()
    {
        if (_isResolved) return false;
        var end = Math.Min(_nextMember + ResolvedTogether, _membership.Count);
        for (; _nextMember < end; _nextMember++)
        {
            if (_nextMember % StateHints.Together == 0)
                state.Hints.BeforeResolve(StateHints.Next(CollectionsMarshal.AsSpan(_membership), _nextMember));
            NoteIsland(_membership[_nextMember]);
        }
        if (_nextMember == _membership.Count) EndResolving();
        return !_isResolved;
    }

    /// <summary>Fills a slice with cells; false when there are no more, and then all is resolved.</summary>
    public bool NextCells(FlushSlice slice)
    {
        slice.Clear();
        FillWithCells(slice);
        if (slice.Arena.Length >= SliceBytes || _isResolved) return slice.Cells.Count > 0;
        // What has another customer now has its cell written along.
        Resolve();
        FillWithCells(slice);
        return slice.Cells.Count > 0;
    }

    /// <summary>Goes over to the views. Every cell of the flush is stored by now.</summary>
    public void BeginViews()
    {
        (_next, _viewSlices) = (0, 0);
        publisher.BeginPublishing();
    }

    /// <summary>Fills a slice with views, and the mappings and changes that they announce; false when there are no more.</summary>
    public bool NextViews(FlushSlice slice)
    {
        slice.Clear();
        // The first ones of many are small, so that the store has something to do soon. Few go together: each slice costs some inserts.
        var isOne = _due.Count <= ViewsOfASlice;
        var bytes = isOne ? SliceBytes : Math.Min(SliceBytes, SliceBytes / 8 * (1 + _viewSlices++));
        for (; _next < _due.Count && slice.Arena.Length < bytes; _next++)
        {
            if (_next % StateHints.Together == 0) state.Hints.BeforeViews(StateHints.Next(CollectionsMarshal.AsSpan(_due), _next));
            var node = NodeOf(_due[_next]);
            ref var noted = ref CollectionsMarshal.AsSpan(_noted)[state[node].Noted];
            if (noted.Told != Told.Same) AddMapping(slice, in noted);
            var vector = slice.Arena.Add(_vectors[_derivations[noted.Derivation]]);
            if (_graph.Nodes[node].Root == node) publisher.PublishCustomer(slice, node, vector);
            else publisher.PublishMember(slice, node, vector);
        }
        return slice.Views.Count + slice.TagChanges.Count + slice.ScoreChanges.Count + slice.Actions.Count > 0;
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
    }

    // Stores keep the cells of a bucket together. Nothing is due yet: the list lends its room.
    private void SortByBucket(List<int> nodes)
    {
        foreach (var node in nodes) _due.Add(BehindBucket(node));
        CollectionsMarshal.AsSpan(_due).Sort();
        for (var i = 0; i < nodes.Count; i++) nodes[i] = NodeOf(_due[i]);
        _due.Clear();
    }

    private ulong BehindBucket(int node) => (ulong)new IdentifierId(_graph.Nodes[node].Id).Bucket << 32 | (uint)node;

    private static int NodeOf(ulong behindBucket) => (int)(uint)behindBucket;

    private void NoteUnsettled(int node)
    {
        ref var n = ref _graph.Nodes[node];
        if (!n.IsUnsettled) return;
        (n.IsUnsettled, n.IsSettling) = (false, true);
        _settling.Add(node);
    }

    private void FillWithCells(FlushSlice slice)
    {
        for (; _next < _dirty.Count && slice.Arena.Length < SliceBytes; _next++)
        {
            if (_next % StateHints.Together == 0) state.Hints.BeforeCells(StateHints.Next(CollectionsMarshal.AsSpan(_dirty), _next));
            WriteCell(slice, _dirty[_next]);
        }
    }

    private void WriteCell(FlushSlice slice, int node)
    {
        var stored = state.Version(node);
        if (stored.Number == 0 && !_isResolved) state[node].Flags |= CellFlags.FirstWritten;
        var version = new CellVersion(Math.Max(stored.Number, cellsAfter) + 1, writerStamp);
        var content = CellCodec.Write(state, node, version, slice.Arena);
        slice.Cells.Add(new CellWrite(new IdentifierId(_graph.Nodes[node].Id), stored, content));
        state.SetVersion(node, version);
    }

    private void Resolve()
    {
        while (ResolveSome()) { }
    }

    private void EndResolving()
    {
        foreach (var node in _touched) NoteCustomer(node);
        foreach (var node in _timed) NoteTimed(node);
        CollectionsMarshal.AsSpan(_due).Sort();
        state.ClearChanged();
        _isResolved = true;
    }

    // A mapping has the version of its identifier's cell, which is written whenever the mapping changes: so of two mappings the later one
    // has the higher version, whichever process made it.
    private void AddMapping(FlushSlice slice, in Noted noted)
    {
        var mapping = publisher.Map(noted.Node, _graph.Nodes[noted.Node].Root);
        slice.Mappings.Add(mapping);
        if (noted.Told == Told.First) return;
        // Of an identifier that this process did not publish itself it is not known what was told: a repeat is announced rather than a
        // change lost.
        var previous = noted.Before > 0 ? publisher.IdOf(noted.Before - 1) : default(IdentifierId?);
        slice.IdentityChanges.Add(new IdentityChange(mapping, noted.Before != 0, previous));
    }

    private void NoteIsland(int member)
    {
        // Its whole island is due.
        if (IsNoted(member)) return;
        var island = _graph.Island(member);
        _resolver.Resolve(island);
        // Cells that are written along count in the vector.
        foreach (var changed in _resolver.Members) NoteChange(changed);
        var derivation = Derive(island);
        foreach (var due in _resolver.Members) NoteMember(due, derivation);
    }

    private void NoteChange(int node)
    {
        ref var cell = ref state[node];
        // Published by this process, and not as a customer: it has neither tags nor a place on a board.
        Set(ref cell, CellFlags.KnownMember, cell.MappedTo != 0 && cell.MappedTo != node + 1);
        Set(ref cell, CellFlags.SameCustomer, cell.MappedTo == MappingOf(node));
        // The cell is written along with a new mapping, for its version is the mapping's.
        if ((cell.Flags & (CellFlags.SameCustomer | CellFlags.Dirty)) != 0) return;
        state.Mark(node, CellFlags.Dirty);
        _dirty.Add(node);
    }

    private void NoteMember(int node, int derivation)
    {
        ref var cell = ref state[node];
        var isSame = (cell.Flags & CellFlags.SameCustomer) != 0;
        var isFirst = cell.MappedTo == 0 && (cell.VersionNumber == 0 || (cell.Flags & CellFlags.FirstWritten) != 0);
        var noted = new Noted(node, derivation, cell.MappedTo, isSame ? Told.Same : isFirst ? Told.First : Told.Anew);
        cell.MappedTo = MappingOf(node);
        // Nobody else can have published something older over what an identifier was before, while this process writes alone.
        Note(noted, isDue: !isSame || !_isAlone || _graph.Nodes[node].Root == node);
    }

    private int MappingOf(int node) => _graph.Nodes[node].Root is >= 0 and var root ? root + 1 : -1;

    private static void Set(ref CellState cell, CellFlags flag, bool value) =>
        cell.Flags = value ? cell.Flags | flag : cell.Flags & ~flag;

    private void NoteCustomer(int anchor)
    {
        var root = _graph.Nodes[anchor].Root;
        if (root < 0 || IsNoted(root)) return;
        state[root].Flags &= ~CellFlags.KnownMember;
        var island = _graph.Island(root);
        if (!_islands.TryGetValue(island, out var derivation)) _islands.Add(island, derivation = Derive(island));
        Note(new Noted(root, derivation, Before: 0, Told.Same), isDue: true);
    }

    // Nothing happened to the customer but that time passed.
    private void NoteTimed(int node)
    {
        var root = _graph.Nodes[node].Root;
        if (root < 0 || IsNoted(root)) return;
        NoteCustomer(root);
        state[root].Flags |= CellFlags.Due;
    }

    private void Note(Noted noted, bool isDue)
    {
        ref var cell = ref state[noted.Node];
        cell.Flags &= ~CellFlags.Due;
        cell.Noted = _noted.Count;
        _noted.Add(noted);
        if (isDue) _due.Add(BehindBucket(noted.Node));
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
