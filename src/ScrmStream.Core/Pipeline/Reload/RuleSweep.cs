using ScrmStream.Identity;
using ScrmStream.Profiles;
using ScrmStream.Rules;

namespace ScrmStream.Pipeline.Reload;

/// <summary>
/// Lets all customers follow new rules: goes through every identifier, part by part, brings what the rules ask for anew into its shard from
/// the stored events, and has each customer published whom the change concerns. Done in small steps between the batches of the stream.
/// Whatever is interrupted, by a conflict, a crash or another publication, is done again: every step is right however often it is done.
/// Owned by the deciding thread.
/// </summary>
public sealed class RuleSweep
{
    private const int IdentifiersPerStep = 1024;
    // Of those that are looked at, most may be passed over.
    private const int LookedAtTogether = 4096;
    // Identifiers brought into memory since the last flush: enough to write with few calls, and a fraction of a second's work to lose.
    private const int FlushAfter = 20_000;
    // Of shards whose events were still on their way: so often they are looked at again while the stream goes on, and then while it stands.
    private const int RoundsMax = 4, QuietRoundsMax = 6;

    private static readonly TimeSpan ClaimInterval = TimeSpan.FromSeconds(1);

    private readonly CustomerState _state;
    private readonly CellPrefetch _prefetch;
    private readonly IViewStore _views;
    private readonly IRuleStore _store;
    private readonly RulesInForce _inForce;
    private readonly ulong _writer;
    private readonly TimeProvider _time;
    // Null: nothing is to be read back.
    private readonly SweepHistory? _history;
    private readonly SweepWalk _walk;
    private readonly ShardRenewal _renewal;
    private readonly List<IdentifierId> _concerned = [], _chunk = [];
    private readonly List<bool> _bring = [];
    // Shards of the part that could not be renewed yet.
    private readonly HashSet<IdentifierId> _left = [];
    private RefoldedShards? _refolded;
    // Of the way: gone through, and gone through and stored.
    private int _next, _stored, _part = -1, _round, _generation;
    // Of those that are concerned: brought into memory among those found last, and since the last flush.
    private int _brought, _unstored;
    private long _notBefore, _tookTicks;
    // Stored events are to be read before anything else, or are on their way; what there was is taken as it is.
    private bool _isUnread, _isAsked, _givesUp, _metStale;

    public RuleSweep(
        CustomerState state, CellPrefetch prefetch, IViewStore views, IRuleStore store, RulesInForce inForce, RuleSet rules,
        ReadHistory? history, ulong writer, TimeProvider time, TaskFactory tasks)
    {
        (_state, _prefetch, _views, _store, _inForce, _writer, _time) = (state, prefetch, views, store, inForce, writer, time);
        _renewal = new ShardRenewal(rules, inForce.Incomplete, inForce.CompleteFrom);
        if (history is not null && inForce.Incomplete.Count > 0)
            _history = new SweepHistory(history, rules.Refold(inForce.Incomplete), inForce.Parts, tasks);
        var cells = new ConcernedCells(inForce, _renewal, _history is not null);
        _walk = new SweepWalk(store, prefetch, cells, cells.AreAll ? IdentifiersPerStep : LookedAtTogether);
    }

    /// <summary>Parts that this process has done since it took the rules. May be asked from any thread.</summary>
    public int PartsDone { get; private set; }

    /// <summary>All customers have followed.</summary>
    public bool IsOver { get; private set; }

    /// <summary>What was gone through is to be stored before the next step.</summary>
    public bool IsFlushDue => IsCurrent && _next > _stored && (_unstored >= FlushAfter || _next == _walk.End);

    /// <summary>Memory holds an older state of somebody than the store: it must be forgotten before the next step.</summary>
    public bool MetStale => IsCurrent && _metStale;

    /// <summary>
    /// The next step needs a moment at which everything folded is stored everywhere, for some shards get events all the time.
    /// </summary>
    public bool NeedsQuiet { get; private set; }

    /// <param name="isBusy">There is something else to do: then this takes a fifth of the time.</param>
    public bool IsStepDue(bool isBusy)
    {
        if (IsOver || IsFlushDue || _isAsked && _history!.IsReading) return false;
        var wait = _notBefore - _time.GetTimestamp();
        return (isBusy ? wait + 4 * _tookTicks : wait) <= 0;
    }

    /// <summary>One step: claims a part, or goes through some of its identifiers, or ends it.</summary>
    public async ValueTask StepAsync(CancellationToken cancel)
    {
        var began = _time.GetTimestamp();
        Resume();
        if (_part < 0) await ClaimAsync(cancel);
        else if (_isUnread) StartReading(cancel);
        else if (_isAsked) await TakeReadAsync(cancel);
        else if (_next < _walk.End) await GoOnAsync(cancel);
        else await EndPassAsync(cancel);
        _tookTicks = _time.GetTimestamp() - began;
        _notBefore = Math.Max(_notBefore, _time.GetTimestamp());
    }

    /// <summary>What has been gone through is stored, where memory still is of the time when it was.</summary>
    public void Stored()
    {
        if (IsCurrent) (_stored, _unstored) = (_next, 0);
    }

    /// <summary>Keeps the part from being taken for abandoned.</summary>
    public async ValueTask HoldAsync(CancellationToken cancel)
    {
        if (_part < 0) return;
        var claim = await _store.ClaimAsync(_inForce, _writer, _views.IsSoleWriter, cancel);
        IsOver |= claim.IsOver;
    }

    /// <summary>Ends what runs beside; the part is free for others after a while.</summary>
    public void Abandon() => _history?.Abandon();

    /// <summary>
    /// Goes through those whose events were on their way whenever they were looked at. To be called when everything folded is stored
    /// everywhere, and nothing is folded meanwhile.
    /// </summary>
    public async ValueTask RunQuietAsync(CancellationToken cancel)
    {
        Resume();
        StartReading(cancel);
        if (!await TakeReadAsync(cancel)) return;
        NeedsQuiet = false;
        while (_next < _walk.End && !MetStale) await GoOnAsync(cancel);
    }

    // Memory was forgotten: what was marked and not stored is marked again.
    private void Resume()
    {
        if (IsCurrent) return;
        (_generation, _metStale) = (_state.Generation, false);
        GoBackTo(_stored);
    }

    private void StartAgain()
    {
        _stored = 0;
        GoBackTo(0);
    }

    private void GoBackTo(int position)
    {
        (_next, _unstored) = (position, 0);
        _walk.GoBackTo(position);
        ForgetConcerned();
    }

    private void ForgetConcerned()
    {
        _brought = 0;
        _concerned.Clear();
    }

    private async ValueTask ClaimAsync(CancellationToken cancel)
    {
        var claim = await _store.ClaimAsync(_inForce, _writer, _views.IsSoleWriter, cancel);
        IsOver = claim.IsOver;
        _notBefore = _time.GetTimestamp() + (claim.Number < 0 ? Ticks(ClaimInterval) : 0);
        if (claim.Number < 0) return;
        (_part, _round, _givesUp) = (claim.Number, 0, false);
        _left.Clear();
        var (first, count) = SweepPart.Buckets(_part, _inForce.Parts);
        _walk.Start(first, count);
        StartAgain();
        _isUnread = _history is not null;
    }

    private void StartReading(CancellationToken cancel)
    {
        (_isUnread, _isAsked) = (false, true);
        _history!.Start(_part, _round == 0 ? null : [.. _left], cancel);
    }

    // False: it failed, and is begun again after a while.
    private async ValueTask<bool> TakeReadAsync(CancellationToken cancel)
    {
        _isAsked = false;
        try
        {
            _refolded = await _history!.TakeAsync();
        }
        catch (StoreUnavailableException)
        {
            (_isUnread, _notBefore) = (!NeedsQuiet, _time.GetTimestamp() + Ticks(ClaimInterval));
            return false;
        }
        // Who is alone gets the parts in their order.
        if (_round == 0 && _views.IsSoleWriter) _history.ReadAheadOf(_part, cancel);
        return true;
    }

    // Few may be concerned of many: they are gathered first, and then brought together.
    private async ValueTask GoOnAsync(CancellationToken cancel)
    {
        if (_brought == 0 && _concerned.Count < IdentifiersPerStep && !_walk.IsAtEnd)
            await _walk.FindAsync(_refolded, _concerned, _left, cancel);
        if (_concerned.Count >= IdentifiersPerStep || _walk.IsAtEnd) await BringSomeAsync(cancel);
        if (_brought < _concerned.Count || _metStale) return;
        _next = _walk.At;
        // Of those that were passed over nothing is to be stored.
        if (_unstored == 0) _stored = _next;
        ForgetConcerned();
    }

    private async ValueTask BringSomeAsync(CancellationToken cancel)
    {
        _chunk.Clear();
        _bring.Clear();
        for (var i = _brought; i < _concerned.Count && _chunk.Count < IdentifiersPerStep; i++)
        {
            _chunk.Add(_concerned[i]);
            _bring.Add(true);
        }
        if (_chunk.Count == 0) return;
        var found = await _prefetch.BringAsync(_chunk, _bring, cancel);
        if (_metStale = Array.Exists(found, f => f.IsStale || f.IsOutdated)) return;
        for (var i = 0; i < found.Length; i++)
            if (found[i].Node >= 0) Follow(_chunk[i], found[i].Node);
        _brought += _chunk.Count;
        _unstored += _chunk.Count;
    }

    private void Follow(IdentifierId id, int node)
    {
        if (Renew(id, node)) _left.Remove(id);
        else _left.Add(id);
        // Also who was renewed before: its cell may have been stored, and the customer not published.
        var root = _state.Graph.Nodes[node].Root;
        var isAnchor = _state[node].Shard != 0 && (_inForce.Incomplete.Count > 0 || !_inForce.Change.ConcernsAll);
        if (root == node || root >= 0 && isAnchor) _state.Mark(root, CellFlags.Touched);
    }

    // False: its events are not all to be read.
    private bool Renew(IdentifierId id, int node)
    {
        ref var cell = ref _state[node];
        if (cell.Shard == 0 || _history is null) return true;
        var shard = _state.Shards[cell.Shard];
        if (new Shard(shard).CompleteFrom >= _inForce.CompleteFrom) return true;
        var refolded = _refolded is null ? default : _refolded[id];
        var isSame = ShardRenewal.AreOfTheSame(shard, refolded);
        if (isSame) Store(node, _renewal.Renew(shard, refolded));
        else if (_givesUp) Store(node, _renewal.Keep(shard));
        return isSame;
    }

    private void Store(int node, ReadOnlySpan<byte> renewed)
    {
        _state[node].Shard = _state.Shards.Store(_state[node].Shard, renewed);
        _state.Mark(node, CellFlags.Dirty | CellFlags.Touched);
    }

    // Everything of the part was gone through once more, and is stored.
    private async ValueTask EndPassAsync(CancellationToken cancel)
    {
        if (_left.Count == 0 || _givesUp)
        {
            await _store.DoneAsync(_inForce, _part, _left.Count, cancel);
            PartsDone++;
            (_part, _refolded) = (-1, null);
            return;
        }
        _walk.Start([.. _left]);
        StartAgain();
        // Rows that do not come in all that time are gone for good, and what there is has to do.
        _givesUp = ++_round > RoundsMax + QuietRoundsMax;
        NeedsQuiet = _round > RoundsMax && !_givesUp;
        _isUnread = _round <= RoundsMax;
        _notBefore = _time.GetTimestamp() + (_givesUp ? 0 : Ticks(ClaimInterval));
    }

    // False: memory was forgotten since the last step, and what that had marked with it.
    private bool IsCurrent => _generation == _state.Generation;

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);
}
