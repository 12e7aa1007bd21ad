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
public sealed class RuleSweep(
    CustomerState state, CellPrefetch prefetch, IViewStore views, IRuleStore store, RulesInForce inForce, RuleSet rules,
    ReadHistory? history, ulong writer, TimeProvider time, TaskFactory tasks)
{
    private const int IdentifiersPerStep = 512;
    // Of those that are looked at, most may be passed over.
    private const int LookedAtTogether = 4096;
    // Identifiers brought into memory since the last flush: enough to write with few calls, and a fraction of a second's work to lose.
    private const int FlushAfter = 20_000;
    // Of shards whose events were still on their way: so often they are looked at again while the stream goes on, and then while it stands.
    private const int RoundsMax = 4, QuietRoundsMax = 6;

    private static readonly TimeSpan ClaimInterval = TimeSpan.FromSeconds(1);

    private readonly Refolding _refolding = rules.Refold(inForce.Incomplete);
    private readonly ShardRenewal _renewal = new(rules, inForce.Incomplete, inForce.CompleteFrom);
    private readonly List<IdentifierId> _looked = [], _concerned = [], _chunk = [];
    private readonly List<bool> _bring = [];
    // Shards of the part that could not be renewed yet.
    private readonly HashSet<IdentifierId> _left = [];
    private IReadOnlyList<IdentifierId> _ids = [];
    private RefoldedShards? _refolded;
    // What is stored of those that are looked at next.
    private Task<StoredCell[]>? _looking;
    private Task? _reading;
    private CancellationTokenSource? _endReading;
    private ConcernedCells? _cells;
    // Of the identifiers: looked at, gone through, and gone through and stored.
    private int _lookedAt, _next, _stored, _part = -1, _round, _generation;
    // Of those that are concerned: brought into memory among those looked at last, and since the last flush.
    private int _brought, _unstored;
    private long _notBefore, _tookTicks;
    // Stored events are to be read before anything else; what there was is taken as it is.
    private bool _isUnread, _givesUp, _metStale;

    /// <summary>Parts that this process has done since it took the rules. May be asked from any thread.</summary>
    public int PartsDone { get; private set; }

    /// <summary>All customers have followed.</summary>
    public bool IsOver { get; private set; }

    /// <summary>What was gone through is to be stored before the next step.</summary>
    public bool IsFlushDue => IsCurrent && _next > _stored && (_unstored >= FlushAfter || _next == _ids.Count);

    /// <summary>Memory holds an older state of somebody than the store: it must be forgotten before the next step.</summary>
    public bool MetStale => IsCurrent && _metStale;

    /// <summary>
    /// The next step needs a moment at which everything folded is stored everywhere, for some shards get events all the time.
    /// </summary>
    public bool NeedsQuiet { get; private set; }

    /// <param name="isBusy">There is something else to do: then this takes a fifth of the time.</param>
    public bool IsStepDue(bool isBusy)
    {
        if (IsOver || IsFlushDue || _reading is { IsCompleted: false }) return false;
        var wait = _notBefore - time.GetTimestamp();
        return (isBusy ? wait + 4 * _tookTicks : wait) <= 0;
    }

    /// <summary>One step: claims a part, or goes through some of its identifiers, or ends it.</summary>
    public async ValueTask StepAsync(CancellationToken cancel)
    {
        var began = time.GetTimestamp();
        Resume();
        if (_part < 0) await ClaimAsync(cancel);
        else if (_isUnread) StartReading(cancel);
        else if (_reading is not null) await TakeReadAsync();
        else if (_next < _ids.Count) await GoOnAsync(cancel);
        else await EndPassAsync(cancel);
        _tookTicks = time.GetTimestamp() - began;
        _notBefore = Math.Max(_notBefore, time.GetTimestamp());
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
        var claim = await store.ClaimAsync(inForce, writer, views.IsSoleWriter, cancel);
        IsOver |= claim.IsOver;
    }

    /// <summary>Ends what runs beside; the part is free for others after a while.</summary>
    public void Abandon() => _endReading?.Cancel();

    /// <summary>
    /// Goes through those whose events were on their way whenever they were looked at. To be called when everything folded is stored
    /// everywhere, and nothing is folded meanwhile.
    /// </summary>
    public async ValueTask RunQuietAsync(CancellationToken cancel)
    {
        Resume();
        StartReading(cancel);
        if (!await TakeReadAsync()) return;
        NeedsQuiet = false;
        while (_next < _ids.Count && !MetStale) await GoOnAsync(cancel);
    }

    // Memory was forgotten: what was marked and not stored is marked again.
    private void Resume()
    {
        if (IsCurrent) return;
        (_generation, _metStale) = (state.Generation, false);
        GoBackTo(_stored);
    }

    private void GoBackTo(int identifier)
    {
        (_lookedAt, _next, _brought, _unstored, _looking) = (identifier, identifier, 0, 0, null);
        _concerned.Clear();
    }

    private async ValueTask ClaimAsync(CancellationToken cancel)
    {
        var claim = await store.ClaimAsync(inForce, writer, views.IsSoleWriter, cancel);
        IsOver = claim.IsOver;
        _notBefore = time.GetTimestamp() + (claim.Number < 0 ? Ticks(ClaimInterval) : 0);
        if (claim.Number < 0) return;
        (_part, _round, _givesUp) = (claim.Number, 0, false);
        _left.Clear();
        var (first, count) = SweepPart.Buckets(_part, inForce.Parts);
        Start(await store.IdentifiersAsync(first, count, cancel));
        _isUnread = inForce.Incomplete.Count > 0 && history is not null && _ids.Count > 0;
    }

    private void Start(IReadOnlyList<IdentifierId> ids)
    {
        (_ids, _stored) = (ids, 0);
        GoBackTo(0);
    }

    private void StartReading(CancellationToken cancel)
    {
        _isUnread = false;
        _endReading?.Dispose();
        _endReading = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var (first, count) = SweepPart.Buckets(_part, inForce.Parts);
        var question = new HistoryQuestion(first, count, _refolding, _round == 0 ? null : [.. _left]);
        var (into, end) = (new RefoldedShards(_refolding), _endReading.Token);
        _refolded = into;
        _reading = tasks.StartNew(async () => { await history!(question, into, end); into.Close(); }, end).Unwrap();
    }

    // False: it failed, and is begun again after a while.
    private async ValueTask<bool> TakeReadAsync()
    {
        var reading = _reading!;
        _reading = null;
        try
        {
            await reading;
            return true;
        }
        catch (StoreUnavailableException)
        {
            (_isUnread, _notBefore) = (!NeedsQuiet, time.GetTimestamp() + Ticks(ClaimInterval));
            return false;
        }
    }

    private async ValueTask GoOnAsync(CancellationToken cancel)
    {
        if (_lookedAt == _next) await LookAsync(cancel);
        _chunk.Clear();
        _bring.Clear();
        for (var i = _brought; i < _concerned.Count && _chunk.Count < IdentifiersPerStep; i++)
        {
            _chunk.Add(_concerned[i]);
            _bring.Add(true);
        }
        if (_chunk.Count > 0)
        {
            var found = await prefetch.BringAsync(_chunk, _bring, cancel);
            if (_metStale = Array.Exists(found, f => f.IsStale || f.IsOutdated)) return;
            for (var i = 0; i < found.Length; i++)
                if (found[i].Node >= 0) Follow(_chunk[i], found[i].Node);
        }
        _brought += _chunk.Count;
        _unstored += _chunk.Count;
        if (_brought == _concerned.Count) _next = _lookedAt;
    }

    // Finds, among the next identifiers, those that the change concerns.
    private async ValueTask LookAsync(CancellationToken cancel)
    {
        _cells ??= new ConcernedCells(inForce, _renewal, history is not null);
        _concerned.Clear();
        _looked.Clear();
        _brought = 0;
        if (_cells.AreAll)
        {
            _concerned.AddRange(Following(_lookedAt, IdentifiersPerStep));
            _lookedAt += _concerned.Count;
            return;
        }
        var stored = await (_looking ?? LookFrom(_lookedAt, cancel));
        _looked.AddRange(Following(_lookedAt, LookedAtTogether));
        _lookedAt += _looked.Count;
        // The store works while these are judged.
        _looking = _lookedAt < _ids.Count ? LookFrom(_lookedAt, cancel) : null;
        for (var i = 0; i < stored.Length; i++)
        {
            if (_cells.IsConcerned(stored[i], RefoldedOf(_looked[i]))) _concerned.Add(_looked[i]);
            else _left.Remove(_looked[i]);
        }
    }

    private Task<StoredCell[]> LookFrom(int identifier, CancellationToken cancel) =>
        prefetch.LookAsync([.. Following(identifier, LookedAtTogether)], cancel);

    private IEnumerable<IdentifierId> Following(int identifier, int most)
    {
        var end = Math.Min(identifier + most, _ids.Count);
        for (var i = identifier; i < end; i++) yield return _ids[i];
    }

    private ReadOnlySpan<byte> RefoldedOf(IdentifierId id) => _refolded is null ? default : _refolded[id];

    private void Follow(IdentifierId id, int node)
    {
        if (Renew(id, node)) _left.Remove(id);
        else _left.Add(id);
        // Also who was renewed before: its cell may have been stored, and the customer not published.
        var root = state.Graph.Nodes[node].Root;
        var isAnchor = state[node].Shard != 0 && (inForce.Incomplete.Count > 0 || !inForce.Change.ConcernsAll);
        if (root == node || root >= 0 && isAnchor) state.Mark(root, CellFlags.Touched);
    }

    // False: its events are not all to be read.
    private bool Renew(IdentifierId id, int node)
    {
        ref var cell = ref state[node];
        if (cell.Shard == 0 || inForce.Incomplete.Count == 0 || history is null) return true;
        var shard = state.Shards[cell.Shard];
        if (new Shard(shard).CompleteFrom >= inForce.CompleteFrom) return true;
        var refolded = RefoldedOf(id);
        var isSame = ShardRenewal.AreOfTheSame(shard, refolded);
        if (isSame) Store(node, _renewal.Renew(shard, refolded));
        else if (_givesUp) Store(node, _renewal.Keep(shard));
        return isSame;
    }

    private void Store(int node, ReadOnlySpan<byte> renewed)
    {
        state[node].Shard = state.Shards.Store(state[node].Shard, renewed);
        state.Mark(node, CellFlags.Dirty | CellFlags.Touched);
    }

    // Everything of the part was gone through once more, and is stored.
    private async ValueTask EndPassAsync(CancellationToken cancel)
    {
        if (_left.Count == 0 || _givesUp)
        {
            await store.DoneAsync(inForce, _part, _left.Count, cancel);
            PartsDone++;
            (_part, _refolded) = (-1, null);
            return;
        }
        Start([.. _left]);
        // Rows that do not come in all that time are gone for good, and what there is has to do.
        _givesUp = ++_round > RoundsMax + QuietRoundsMax;
        NeedsQuiet = _round > RoundsMax && !_givesUp;
        _isUnread = _round <= RoundsMax;
        _notBefore = time.GetTimestamp() + (_givesUp ? 0 : Ticks(ClaimInterval));
    }

    // False: memory was forgotten since the last step, and what that had marked with it.
    private bool IsCurrent => _generation == state.Generation;

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);
}
