using System.Collections.Concurrent;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Redis;

namespace ScrmStream.LoadTest.Price;

/// <summary>
/// Cells as a process that writes alone stores them, but without a transaction under the writer epoch. They are read as always. While calls
/// are under way nothing that they write may be read: memory has it, as long as it forgets nothing.
/// </summary>
/// <param name="waits">A call returns when Redis has carried it out, and not already when it has its place in the queue.</param>
internal sealed class PlainCellStore(PlainRedis redis, RedisConnection claimed, RedisConnection reader, bool waits) : ICellStore
{
    private readonly ConcurrentBag<RespWriter> _idle = [];
    // On a connection that has claimed no epoch it asks for every cell.
    private readonly RedisCellStore _stored = new(reader);
    private readonly EmptyBuckets _empty = new(claimed);

    public async Task<StoredCell[]> LoadAsync(IReadOnlyList<IdentifierId> ids, CancellationToken cancel)
    {
        var cells = new StoredCell[ids.Count];
        Array.Fill(cells, new StoredCell(null, 0, []));
        var asked = await _empty.MayHaveCellsAsync(ids, cancel);
        if (asked.Length == 0) return cells;
        var found = await _stored.LoadAsync(Array.ConvertAll(asked, i => ids[i]), cancel);
        for (var i = 0; i < asked.Length; i++) cells[asked[i]] = found[i];
        return cells;
    }

    public async Task<IReadOnlyList<int>> StoreAsync(IReadOnlyList<CellWrite> writes, ByteArena arena, CancellationToken cancel)
    {
        var calls = new List<Task>();
        for (var at = 0; at < writes.Count;)
        {
            var call = _idle.TryTake(out var idle) ? idle : new RespWriter();
            while (at < writes.Count && call.Length < claimed.CallBytes) at = AddBucket(call, writes, at, arena);
            calls.Add(await redis.AddAsync(call, Take, cancel));
        }
        if (waits) await Task.WhenAll(calls);
        return [];
    }

    private void Take(RespWriter sent)
    {
        sent.Clear();
        _idle.Add(sent);
    }

    // Adds the cells from i on that are in one bucket; answers the index of the next one.
    private int AddBucket(RespWriter call, IReadOnlyList<CellWrite> writes, int i, ByteArena arena)
    {
        var (first, bucket) = (i, writes[i].Id.Bucket);
        while (i < writes.Count && writes[i].Id.Bucket == bucket) i++;
        _empty.Fill(bucket);
        call.Command("HSET"u8, 2 + 2 * (i - first));
        claimed.Keys.WriteCells(call, bucket);
        for (var at = first; at < i; at++)
        {
            writes[at].Id.WriteBytes(call.Argument(RedisKeys.CellFieldBytes));
            call.Argument(arena[writes[at].Content]);
        }
        return i;
    }
}

/// <summary>Views likewise.</summary>
/// <inheritdoc cref="PlainCellStore"/>
internal sealed class PlainViewStore(PlainRedis redis, RedisConnection claimed, bool waits) : IViewStore
{
    private readonly ConcurrentBag<SoleViewCall> _idle = [];

    /// <summary>Nobody looks whether it is so.</summary>
    public bool IsSoleWriter => true;

    public ulong WriterEpoch => claimed.Epoch.Number;

    public async Task<IReadOnlyList<int>> PublishAsync(IReadOnlyList<ViewWrite> views, ByteArena arena, CancellationToken cancel)
    {
        int[] order = [.. Enumerable.Range(0, views.Count).OrderBy(i => views[i].Id.Bucket)];
        var calls = new List<Task>();
        for (var at = 0; at < order.Length;)
        {
            var call = _idle.TryTake(out var idle) ? idle : new SoleViewCall(claimed.Keys);
            while (at < order.Length && call.Commands.Length < claimed.CallBytes) call.Add(views[order[at++]], arena);
            call.Finish();
            calls.Add(await redis.AddAsync(call.Commands, _ => Take(call), cancel));
        }
        if (waits) await Task.WhenAll(calls);
        return [];
    }

    public Task<StoreTotals> CountAsync(CancellationToken cancel) => new RedisViewStore(claimed).CountAsync(cancel);

    private void Take(SoleViewCall sent)
    {
        sent.Clear();
        _idle.Add(sent);
    }
}
