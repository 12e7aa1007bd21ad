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

    /// <summary>Publishes the customer rooted at a node.</summary>
    public void PublishCustomer(FlushJob job, int root, ArenaRange vector)
    {
        Gather(root);
        rules.Evaluate(_shards, _shards.LastSeenMs, _conclusion);
        ref var cell = ref state[root];
        _previous.ReadFrom(state.Conclusions[cell.Conclusion]);
        Announce(job, root, _shards.LastSeenMs);
        var view = NewView(ref cell, root, ViewForm.Customer, vector);
        view.TagsChanged = cell.Conclusion == 0 || !_conclusion.HasSameTags(_previous);
        _fields.Write(ref view, job.Arena, _shards, _conclusion);
        cell.Conclusion = state.Conclusions.Store(cell.Conclusion, _conclusion.Bytes);
        job.Views.Add(view);
        Map(job, root, root, vector);
        _shards.Clear();
    }

    /// <summary>Publishes an identifier that is not the root of a customer.</summary>
    public void PublishMember(FlushJob job, int node, ArenaRange vector)
    {
        var root = state.Graph.Nodes[node].Root;
        // Nobody else can have published something older over it (docs/decisions/0008).
        if (views.IsSoleWriter && state[node].MappedTo == (root < 0 ? -1 : root + 1)) return;
        var view = NewView(ref state[node], node, root < 0 ? ViewForm.Empty : ViewForm.Merged, vector);
        if (root >= 0) view.MergedInto = new IdentifierId(state.Graph.Nodes[root].Id);
        view.TagsChanged = true;
        view.Ranks = _fields.OffEveryBoard(job);
        job.Views.Add(view);
        Map(job, node, root, vector);
    }

    /// <summary>Announces that a customer id no longer stands for a customer: it loses its tags and grades.</summary>
    public void Retire(FlushJob job, int node)
    {
        ref var cell = ref state[node];
        if (cell.Conclusion == 0) return;
        _previous.ReadFrom(state.Conclusions[cell.Conclusion]);
        _conclusion.ReadFrom(default);
        Announce(job, node, _previous.ScoresAsOfMs);
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

    private void Announce(FlushJob job, int node, long sinceMs)
    {
        _tagDifferences.Clear();
        _gradeDifferences.Clear();
        _conclusion.CollectDifferences(_previous, _tagDifferences, _gradeDifferences);
        var customer = new IdentifierId(state.Graph.Nodes[node].Id);
        foreach (var (tag, value, previous) in _tagDifferences) job.TagChanges.Add(new TagChange(customer, tag, value, previous, sinceMs));
        foreach (var (score, grade, previous, micro) in _gradeDifferences)
            job.ScoreChanges.Add(new ScoreChange(customer, score, micro, grade, previous, sinceMs));
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

    // The sum of a vector grows with every accepted view, so of two mappings the one with the larger sum is the later.
    private void Map(FlushJob job, int node, int root, ArenaRange vector)
    {
        ref var cell = ref state[node];
        var mapped = root < 0 ? -1 : root + 1;
        if (cell.MappedTo == mapped) return;
        cell.MappedTo = mapped;
        IdentifierId? customer = root < 0 ? null : new IdentifierId(state.Graph.Nodes[root].Id);
        job.Mappings.Add(new IdentityMapping(
            new IdentifierId(state.Graph.Nodes[node].Id), state.Graph.Nodes.TextOf(node), customer, VersionVector.Sum(job.Arena[vector])));
    }
}
