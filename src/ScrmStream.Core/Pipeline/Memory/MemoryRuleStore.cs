using ScrmStream.Identity;
using ScrmStream.Pipeline.Reload;

namespace ScrmStream.Pipeline.Memory;

/// <summary>Rules in force in memory, beside cells; it ends with the process. Calls may come from any thread.</summary>
public sealed class MemoryRuleStore(MemoryCellStore cells, TimeProvider time) : IRuleStore
{
    private static readonly TimeSpan GoneAfter = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    // By part: who has claimed it and when, or how many shards it left when it was done.
    private readonly Dictionary<int, (ulong Writer, long At)> _claims = [];
    private readonly Dictionary<int, long> _done = [];
    private RulesInForce? _rules;
    private long _taken;

    public bool AreOver
    {
        get { lock (_lock) return Number != _taken; }
    }

    /// <summary>0: none are in force.</summary>
    public long Number => _rules?.Number ?? 0;

    public Task<RulesInForce?> ReadAsync(CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        lock (_lock) return Task.FromResult(_rules);
    }

    public async Task<(long Number, bool IsSwept)> LookAsync(CancellationToken cancel) =>
        await ReadAsync(cancel) is { } rules ? (rules.Number, rules.IsSwept) : (0, true);

    public Task<bool> PublishAsync(RulesInForce rules, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        lock (_lock)
        {
            if (Number == rules.Number) return Task.FromResult(_rules!.Fingerprint == rules.Fingerprint);
            if (Number != rules.Number - 1) return Task.FromResult(false);
            _rules = rules with { IsSwept = rules.Parts == 0 };
            _claims.Clear();
            _done.Clear();
            return Task.FromResult(true);
        }
    }

    public Task TakeAsync(long number, CancellationToken cancel)
    {
        lock (_lock) _taken = number;
        return Task.CompletedTask;
    }

    public Task<SweepPart> ClaimAsync(RulesInForce rules, ulong writer, bool isAlone, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        lock (_lock)
        {
            if (Number != rules.Number || _rules!.IsSwept) return Task.FromResult(new SweepPart(-1, IsOver: true));
            if (isAlone) _claims.Clear();
            var open = Enumerable.Range(0, rules.Parts).Where(p => !_done.ContainsKey(p)).ToList();
            var mine = open.FindIndex(p => _claims.TryGetValue(p, out var claim) && claim.Writer == writer);
            if (mine < 0) mine = open.FindIndex(p => !_claims.TryGetValue(p, out var claim) || time.GetElapsedTime(claim.At) >= GoneAfter);
            if (mine < 0) return Task.FromResult(new SweepPart(-1, IsOver: false));
            _claims[open[mine]] = (writer, time.GetTimestamp());
            return Task.FromResult(new SweepPart(open[mine], IsOver: false));
        }
    }

    public Task DoneAsync(RulesInForce rules, int part, long left, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        lock (_lock)
        {
            if (Number != rules.Number) return Task.CompletedTask;
            _done[part] = left;
            if (_done.Count < rules.Parts) return Task.CompletedTask;
            var all = _done.Values.Sum();
            _rules = _rules! with { IsSwept = true, Left = all, Incomplete = all == 0 ? [] : rules.Incomplete };
        }
        return Task.CompletedTask;
    }

    public Task<int> PartsDoneAsync(RulesInForce rules, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        lock (_lock) return Task.FromResult(Number == rules.Number ? _done.Count : 0);
    }

    public Task<IReadOnlyList<IdentifierId>> IdentifiersAsync(int firstBucket, int buckets, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        return Task.FromResult<IReadOnlyList<IdentifierId>>(
            [.. cells.Identifiers().Where(id => id.Bucket >= firstBucket && id.Bucket < firstBucket + buckets)]);
    }

    public async Task<IReadOnlyList<IdentifierCell>> CellsAsync(int firstBucket, int buckets, CancellationToken cancel)
    {
        var ids = await IdentifiersAsync(firstBucket, buckets, cancel);
        var stored = await cells.LoadAsync(ids, cancel);
        return [.. ids.Zip(stored, (id, cell) => new IdentifierCell(id, cell.Cell!))];
    }
}
