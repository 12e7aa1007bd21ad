using ScrmStream.Identity;
using ScrmStream.Profiles;
using ScrmStream.Rules;

namespace ScrmStream.Pipeline;

/// <summary>
/// Derives what readers see of one customer or identifier, and the records of what changed since it was last published. Owned by the
/// deciding thread.
/// </summary>
public sealed class CustomerPublisher(CustomerState state, RuleSet rules, IViewStore views, ulong writerStamp)
{
    private readonly ShardSet _shards = new();
    private readonly Conclusion _conclusion = new();
    private readonly Conclusion _previous = new();
    private readonly List<TagDifference> _tagDifferences = [];
    private readonly List<GradeDifference> _gradeDifferences = [];
    private readonly ViewFields _fields = new(rules);
    // Steps by an odd number through all 64-bit values, so a stamp comes back only after 2^64 publications.
    private ulong _stamp = writerStamp;

    /// <summary>No other process writes: views need no vector, and unchanged ones no repetition (docs/decisions/0008).</summary>
    public bool IsAlone => views.IsSoleWriter;

    /// <summary>Publishes the customer rooted at a node.</summary>
    public void PublishCustomer(FlushSlice slice, int root, ArenaRange vector, ulong versionSum, List<IdentityMapping> mappings)
    {
        Gather(root);
        rules.Evaluate(_shards, _shards.LastSeenMs, _conclusion);
        ref var cell = ref state[root];
        _previous.ReadFrom(state.Conclusions[cell.Conclusion]);
        Announce(slice, root, _shards.LastSeenMs);
        var isKnown = cell.Conclusion != 0 || WasKnownMember(in cell, root);
        var view = NewView(ref cell, root, ViewForm.Customer, vector);
        view.TagsChanged = !isKnown || !_conclusion.HasSameTags(_previous);
        view.TagExpiryChanged = !isKnown || view.TagsChanged && (_conclusion.HasExpiringTag || _previous.HasExpiringTag);
        _fields.Write(ref view, slice.Arena, _shards, _conclusion);
        cell.Conclusion = state.Conclusions.Store(cell.Conclusion, _conclusion.Bytes);
        slice.Views.Add(view);
        Map(mappings, root, root, versionSum);
        _shards.Clear();
    }

    /// <summary>Publishes an identifier that is not the root of a customer.</summary>
    public void PublishMember(FlushSlice slice, int node, ArenaRange vector, ulong versionSum, List<IdentityMapping> mappings)
    {
        var root = state.Graph.Nodes[node].Root;
        ref var cell = ref state[node];
        // Nobody else can have published something older over it.
        if (IsAlone && cell.MappedTo == (root < 0 ? -1 : root + 1)) return;
        var mayHaveBeenCustomer = !WasKnownMember(in cell, node);
        var view = NewView(ref cell, node, root < 0 ? ViewForm.Empty : ViewForm.Merged, vector);
        if (root >= 0) view.MergedInto = new IdentifierId(state.Graph.Nodes[root].Id);
        view.TagsChanged = view.TagExpiryChanged = mayHaveBeenCustomer;
        if (mayHaveBeenCustomer) view.Ranks = _fields.OffEveryBoard(slice);
        slice.Views.Add(view);
        Map(mappings, node, root, versionSum);
    }

    // Published by this process, and not as a customer: it has neither tags nor a place on a board.
    private static bool WasKnownMember(in CellState cell, int node) => cell.MappedTo != 0 && cell.MappedTo != node + 1;

    /// <summary>Announces that a customer id no longer stands for a customer: it loses its tags and grades.</summary>
    public void Retire(FlushSlice slice, int node)
    {
        ref var cell = ref state[node];
        if (cell.Conclusion == 0) return;
        _previous.ReadFrom(state.Conclusions[cell.Conclusion]);
        _conclusion.ReadFrom(default);
        Announce(slice, node, _previous.ScoresAsOfMs);
        cell.Conclusion = state.Conclusions.Store(cell.Conclusion, default);
    }

    private void Gather(int root)
    {
        _shards.Clear();
        var node = root;
        do
        {
            _shards.Add(state.Shards.Memory(state[node].Shard));
            node = state.Graph.Nodes[node].CustomerNext;
        }
        while (node != root);
    }

    private void Announce(FlushSlice slice, int node, long sinceMs)
    {
        _tagDifferences.Clear();
        _gradeDifferences.Clear();
        _conclusion.CollectDifferences(_previous, _tagDifferences, _gradeDifferences);
        var customer = new IdentifierId(state.Graph.Nodes[node].Id);
        foreach (var (tag, value, previous) in _tagDifferences)
            slice.TagChanges.Add(new TagChange(customer, tag, value, previous, sinceMs));
        foreach (var (score, grade, previous, micro) in _gradeDifferences)
            slice.ScoreChanges.Add(new ScoreChange(customer, score, micro, grade, previous, sinceMs));
    }

    private ViewWrite NewView(ref CellState cell, int node, ViewForm form, ArenaRange vector)
    {
        _stamp += 0x9E3779B97F4A7C15;
        if (_stamp == 0) _stamp += 0x9E3779B97F4A7C15;
        var view = new ViewWrite
        {
            Id = new IdentifierId(state.Graph.Nodes[node].Id), Form = form, ExpectedStamp = cell.ViewStamp, Stamp = _stamp, Vector = vector,
        };
        cell.ViewStamp = _stamp;
        return view;
    }

    private void Map(List<IdentityMapping> mappings, int node, int root, ulong version)
    {
        ref var cell = ref state[node];
        var mapped = root < 0 ? -1 : root + 1;
        if (cell.MappedTo == mapped) return;
        cell.MappedTo = mapped;
        IdentifierId? customer = root < 0 ? null : new IdentifierId(state.Graph.Nodes[root].Id);
        mappings.Add(new IdentityMapping(
            new IdentifierId(state.Graph.Nodes[node].Id), state.Graph.Nodes.TextMemory(node), customer, version));
    }
}
