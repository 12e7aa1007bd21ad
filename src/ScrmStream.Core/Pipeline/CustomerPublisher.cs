using ScrmStream.Identity;
using ScrmStream.Profiles;
using ScrmStream.Rules;
using ScrmStream.Pipeline.Leads;
using ScrmStream.Pipeline.Reload;
using ScrmStream.Pipeline.Timers;

namespace ScrmStream.Pipeline;

/// <summary>
/// Derives what readers see of one customer or identifier, and the records of what changed since it was last published. Owned by the
/// deciding thread.
/// </summary>
/// <param name="stampsAfter">
/// Its stamps follow this one: a number that no other process uses, or the last stamp of the publisher before it in this process. A stamp
/// that came again would be taken for the same publication, sent again.
/// </param>
/// <param name="timers">Null: nothing is concluded later than as of a customer's last event.</param>
/// <param name="inForce">Null: the rules are those of the first start.</param>
public sealed class CustomerPublisher(
    CustomerState state, RuleSet rules, IViewStore views, ulong stampsAfter, TimeProvider time, CustomerTimers? timers = null,
    RulesInForce? inForce = null)
{
    // Changes that are followed one by one up to the watermark; what lies beyond is concluded at once.
    private const int StepsMax = 256;

    private readonly ShardSet _shards = new();
    private readonly Conclusion _conclusion = new();
    private readonly Conclusion _previous = new();
    private readonly Conclusion _step = new();
    private readonly List<TagDifference> _tagDifferences = [];
    private readonly List<GradeDifference> _gradeDifferences = [];
    private readonly LeadPublisher _leads = new(rules);
    private readonly ViewFields _fields = new(rules, timers is not null);
    // Steps by an odd number through all 64-bit values, so a stamp comes back only after 2^64 publications.
    private ulong _stamp = stampsAfter;
    private readonly CustomerActions? _actions =
        rules.Actions is null ? null : new CustomerActions(state, rules.Actions, rules.Fingerprint, inForce);
    private long _knownAtMs;
    private ulong _derivedIn;

    /// <summary>No other process writes: views need no vector, and unchanged ones no repetition (docs/decisions/0008).</summary>
    public bool IsAlone => views.IsSoleWriter;

    /// <summary>The stamp of the view published last.</summary>
    public ulong LastStamp => _stamp;

    /// <summary>The epoch of a verdict that is given now.</summary>
    public ulong Epoch => views.WriterEpoch;

    /// <inheritdoc cref="IViewStore.AheadBefore"/>
    public ulong AheadBefore => views.AheadBefore;

    /// <summary>Takes the epoch as that in which all views of a flush are to be written; before anything of it is stored.</summary>
    public void BeginFlush() => _derivedIn = views.WriterEpoch;

    /// <summary>Takes the time as that at which the mappings and views of a flush are published.</summary>
    public void BeginPublishing()
    {
        _knownAtMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        _actions?.Begin(timers?.WatermarkMs ?? long.MinValue);
    }

    /// <summary>Publishes the customer rooted at a node.</summary>
    public void PublishCustomer(FlushSlice slice, int root, ArenaRange vector)
    {
        Gather(root);
        ref var cell = ref state[root];
        _previous.ReadFrom(state.Conclusions[cell.Conclusion]);
        Conclude(slice, root, isByTimer: (cell.Flags & CellFlags.Due) != 0);
        _leads.Announce(slice, IdOf(root), _previous, _conclusion, _shards.Events, CustomerLeads.VersionOf(Epoch, _knownAtMs));
        if (_actions is not null) _actions.Decide(slice, root, _shards, _conclusion);
        else if (Conclusion.ActionsOf(_previous.Bytes) is { IsEmpty: false } decided) _conclusion.Carry(decided, long.MaxValue);
        cell.Flags &= ~CellFlags.Due;
        var isKnown = cell.Conclusion != 0 || IsKnownMember(in cell);
        var view = NewView(ref cell, root, ViewForm.Customer, vector);
        view.TagsChanged = !isKnown || !_conclusion.HasSameTags(_previous);
        view.TagExpiryChanged = !isKnown || view.TagsChanged && (_conclusion.HasExpiringTag || _previous.HasExpiringTag);
        _fields.Write(ref view, slice.Arena, _shards, _conclusion, _previous, _actions);
        cell.Conclusion = state.Conclusions.Store(cell.Conclusion, _conclusion.Bytes);
        timers?.Published(root, _conclusion.NextChangeMs);
        slice.Views.Add(view);
        _shards.Clear();
    }

    // From the customer's last event, or the change that a timer foretold, from change to change up to the watermark. So what is concluded
    // is a function of the events and of which of their changes are past, whenever it is asked. What changed up to the time of the
    // publication before is no news; what changed later is announced with its own time.
    private void Conclude(FlushSlice slice, int root, bool isByTimer)
    {
        var untilMs = Math.Max(_shards.LastSeenMs, timers?.WatermarkMs ?? long.MinValue);
        // Of a customer that was not published yet it is 0.
        var knownMs = _previous.ScoresAsOfMs;
        var atMs = isByTimer ? Math.Clamp(_previous.NextChangeMs, _shards.LastSeenMs, untilMs) : _shards.LastSeenMs;
        var before = _previous;
        rules.Evaluate(_shards, atMs, _conclusion);
        for (var steps = 1; _conclusion.NextChangeMs <= untilMs; steps++)
        {
            var nextMs = steps < StepsMax ? _conclusion.NextChangeMs : untilMs;
            if (nextMs > knownMs)
            {
                Announce(slice, root, before, Math.Max(atMs, knownMs));
                _step.ReadFrom(_conclusion.Bytes);
                before = _step;
            }
            atMs = nextMs;
            rules.Evaluate(_shards, atMs, _conclusion);
        }
        Announce(slice, root, before, Math.Max(atMs, knownMs));
    }

    /// <summary>Publishes an identifier that is not the root of a customer.</summary>
    public void PublishMember(FlushSlice slice, int node, ArenaRange vector)
    {
        var root = state.Graph.Nodes[node].Root;
        ref var cell = ref state[node];
        var ranks = default(ArenaRange?);
        if (cell.Conclusion != 0)
        {
            _previous.ReadFrom(state.Conclusions[cell.Conclusion]);
            ranks = _fields.OffBoardsOf(slice, _previous);
            Retire(slice, node);
        }
        var mayHaveBeenCustomer = !IsKnownMember(in cell);
        var view = NewView(ref cell, node, root < 0 ? ViewForm.Empty : ViewForm.Merged, vector);
        if (root >= 0) view.MergedInto = new IdentifierId(state.Graph.Nodes[root].Id);
        view.TagsChanged = view.TagExpiryChanged = mayHaveBeenCustomer;
        if (mayHaveBeenCustomer) view.Ranks = ranks ?? _fields.OffEveryBoard(slice);
        // What was decided for it stays with it, wherever it belongs.
        if (cell.Conclusion != 0) view.Conclusion = slice.Arena.Add(state.Conclusions[cell.Conclusion]);
        slice.Views.Add(view);
    }

    // It has neither tags nor a place on a board.
    private static bool IsKnownMember(in CellState cell) => (cell.Flags & CellFlags.KnownMember) != 0;

    // A customer id that no longer stands for a customer loses its tags and grades, and what was concluded of it.
    private void Retire(FlushSlice slice, int node)
    {
        ref var cell = ref state[node];
        _conclusion.ReadFrom(default);
        Announce(slice, node, _previous, _previous.ScoresAsOfMs);
        _leads.Announce(slice, IdOf(node), _previous, _conclusion, events: 0, CustomerLeads.VersionOf(Epoch, _knownAtMs));
        var decided = Conclusion.ActionsOf(_previous.Bytes);
        if (!decided.IsEmpty) _conclusion.Carry(decided, long.MaxValue);
        cell.Conclusion = state.Conclusions.Store(cell.Conclusion, decided.IsEmpty ? default : _conclusion.Bytes);
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

    private void Announce(FlushSlice slice, int node, Conclusion before, long sinceMs)
    {
        _tagDifferences.Clear();
        _gradeDifferences.Clear();
        _conclusion.CollectDifferences(before, _tagDifferences, _gradeDifferences);
        var customer = new IdentifierId(state.Graph.Nodes[node].Id);
        foreach (var (tag, value, previous) in _tagDifferences)
            slice.TagChanges.Add(
                new TagChange(customer, tag, value, previous, sinceMs) { Events = _shards.Events, Rules = rules.Fingerprint });
        foreach (var (score, grade, previous, micro) in _gradeDifferences)
            slice.ScoreChanges.Add(
                new ScoreChange(customer, score, micro, grade, previous, sinceMs) { Events = _shards.Events, Rules = rules.Fingerprint });
    }

    private ViewWrite NewView(ref CellState cell, int node, ViewForm form, ArenaRange vector)
    {
        _stamp += 0x9E3779B97F4A7C15;
        if (_stamp == 0) _stamp += 0x9E3779B97F4A7C15;
        var view = new ViewWrite
        {
            Id = new IdentifierId(state.Graph.Nodes[node].Id), Form = form, ExpectedStamp = cell.ViewStamp, Stamp = _stamp, Vector = vector,
            Epoch = _derivedIn,
        };
        cell.ViewStamp = _stamp;
        return view;
    }

    /// <summary>What the identity map is to say of an identifier; its cell is stored by now.</summary>
    public IdentityMapping Map(int node, int root)
    {
        IdentifierId? customer = root < 0 ? null : IdOf(root);
        return new IdentityMapping(IdOf(node), state.Graph.Nodes.TextMemory(node), customer, state[node].VersionNumber, _knownAtMs);
    }

    public IdentifierId IdOf(int node) => new(state.Graph.Nodes[node].Id);
}
