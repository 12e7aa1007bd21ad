using ScrmStream.Identity;

namespace ScrmStream.Pipeline.Reload;

/// <summary>
/// The way through the identifiers of a part: bucket by bucket, or those that were left the last time. Among the next ones it finds whom
/// the change concerns, while the store is asked for those behind them. Owned by the deciding thread.
/// </summary>
/// <param name="together">So many identifiers are asked for at once; a bucket is never cut.</param>
internal sealed class SweepWalk(IRuleStore store, CellPrefetch prefetch, ConcernedCells cells, int together)
{
    private const int BucketsTogetherMax = 64;

    private IReadOnlyList<IdentifierId>? _left;
    private int _firstBucket, _buckets = 1;
    private Task<Looked>? _ahead;

    /// <summary>Where the way has come to: a bucket of the part, or one of those that were left.</summary>
    public int At { get; private set; }

    public int End { get; private set; }

    public bool IsAtEnd => At == End;

    // Of some positions who is there, and what is stored of each; null: nobody need be looked at.
    private readonly record struct Looked(int Positions, IReadOnlyList<IdentifierId> Ids, IReadOnlyList<StoredCell>? Stored);

    /// <summary>Begins with the first of some buckets.</summary>
    public void Start(int firstBucket, int buckets) => (_left, _firstBucket, At, End, _ahead) = (null, firstBucket, 0, buckets, null);

    /// <summary>Begins with the first of some identifiers.</summary>
    public void Start(IReadOnlyList<IdentifierId> left) => (_left, At, End, _ahead) = (left, 0, left.Count, null);

    public void GoBackTo(int position) => (At, _ahead) = (position, null);

    /// <summary>Adds whom the change concerns among the next identifiers; takes the others from those that are left.</summary>
    /// <exception cref="StoreUnavailableException">The store did not answer within its limits.</exception>
    public async ValueTask FindAsync(
        RefoldedShards? refolded, List<IdentifierId> concerned, HashSet<IdentifierId> left, CancellationToken cancel)
    {
        var next = await (_ahead ?? LookAsync(cancel));
        At += next.Positions;
        if (_left is null) _buckets = Math.Clamp(together * next.Positions / Math.Max(1, next.Ids.Count), 1, BucketsTogetherMax);
        // The store works while these are judged and brought.
        _ahead = IsAtEnd ? null : LookAsync(cancel);
        if (next.Stored is not { } stored)
        {
            concerned.AddRange(next.Ids);
            return;
        }
        for (var i = 0; i < stored.Count; i++)
        {
            var id = next.Ids[i];
            if (cells.IsConcerned(stored[i], refolded is null ? default : refolded[id])) concerned.Add(id);
            else left.Remove(id);
        }
    }

    private async Task<Looked> LookAsync(CancellationToken cancel)
    {
        var positions = Math.Min(_left is null ? _buckets : together, End - At);
        if (_left is null && !cells.AreAll && !cells.NeedConclusions)
        {
            var found = await store.CellsAsync(_firstBucket + At, positions, cancel);
            return new Looked(positions, [.. found.Select(f => f.Id)], [.. found.Select(f => new StoredCell(f.Cell, 0, []))]);
        }
        var ids = _left is null
            ? await store.IdentifiersAsync(_firstBucket + At, positions, cancel)
            : [.. _left.Skip(At).Take(positions)];
        return new Looked(positions, ids, cells.AreAll ? null : await prefetch.LookAsync(ids, cancel));
    }
}
