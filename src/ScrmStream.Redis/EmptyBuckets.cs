using ScrmStream.Identity;

namespace ScrmStream.Redis;

/// <summary>
/// Which buckets hold no cells, known by a process that writes alone: what is asked of them need not be asked of Redis. So the first fill
/// of a namespace reads nothing. Calls may come from any thread.
/// </summary>
/// <remarks>
/// It holds for one value of the writer epoch. Whoever else wrote a cell meanwhile has changed that value, and what is derived here from a
/// cell that was taken for missing is refused.
/// </remarks>
internal sealed class EmptyBuckets(RedisConnection connection)
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    // Into these this process has stored cells, or is about to: it may have forgotten them.
    private readonly bool[] _filled = new bool[RedisKeys.Buckets];
    private volatile Known _known = new("", []);

    // The value of the epoch, and of each bucket whether it was empty then.
    private sealed record Known(string Epoch, bool[] WasEmpty);

    /// <summary>Those of the identifiers that may have cells, by their indexes.</summary>
    public async ValueTask<int[]> MayHaveCellsAsync(IReadOnlyList<IdentifierId> ids, CancellationToken cancel)
    {
        var wasEmpty = await AskAsync(cancel);
        return [.. Enumerable.Range(0, ids.Count).Where(i => ids[i].Bucket is var b && (_filled[b] || wasEmpty is null || !wasEmpty[b]))];
    }

    /// <summary>To be called before this process stores cells there.</summary>
    public void Fill(int bucket) => Volatile.Write(ref _filled[bucket], true);

    private async ValueTask<bool[]?> AskAsync(CancellationToken cancel)
    {
        var epoch = connection.Epoch.Expected;
        if (!WriterEpoch.IsSoleValue(epoch)) return null;
        if (_known.Epoch == epoch) return _known.WasEmpty;
        await _turn.WaitAsync(cancel);
        try
        {
            if (_known.Epoch == epoch) return _known.WasEmpty;
            var sizes = await StoreCounter.CellsByBucketAsync(connection, cancel);
            return (_known = new Known(epoch, Array.ConvertAll(sizes, size => size == 0))).WasEmpty;
        }
        finally
        {
            _turn.Release();
        }
    }
}
