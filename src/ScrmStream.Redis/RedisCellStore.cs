using System.Buffers.Binary;
using System.Collections.Concurrent;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>
/// Cells as fields of their bucket's hash (docs/decisions/0021). An outage blocks; the calls return only when Redis answered or when they
/// are cancelled.
/// </summary>
public sealed class RedisCellStore(RedisConnection connection) : ICellStore
{
    private const int VersionBytes = 16;
    private readonly ConcurrentBag<RespWriter> _idle = [];
    private readonly EmptyBuckets _empty = new(connection);

    public async Task<StoredCell[]> LoadAsync(IReadOnlyList<IdentifierId> ids, CancellationToken cancel)
    {
        var cells = new StoredCell[ids.Count];
        Array.Fill(cells, new StoredCell(null, 0, []));
        var order = ByBucket(await _empty.MayHaveCellsAsync(ids, cancel), i => ids[i]);
        var calls = new List<Task>();
        for (var at = 0; at < order.Length;)
        {
            var part = NextPart(order, at, i => ids[i]);
            at += part.Length;
            await connection.EnterAsync(cancel);
            calls.Add(LoadPartAsync(ids, part, cells, cancel));
        }
        await Task.WhenAll(calls);
        return cells;
    }

    public async Task<IReadOnlyList<int>> StoreAsync(IReadOnlyList<CellWrite> writes, ByteArena arena, CancellationToken cancel)
    {
        if (connection.Epoch.IsSole) return await StoreAloneAsync(writes, arena, cancel);
        var order = ByBucket([.. Enumerable.Range(0, writes.Count)], i => writes[i].Id);
        var calls = new List<Task<int[]>>();
        for (var at = 0; at < order.Length;)
        {
            var part = NextPart(order, at, i => writes[i].Id, i => writes[i].Content.Length);
            at += part.Length;
            await connection.EnterAsync(cancel);
            calls.Add(StorePartAsync(writes, part, arena, cancel));
        }
        var conflicts = new List<int>();
        foreach (var part in await Task.WhenAll(calls)) conflicts.AddRange(part);
        conflicts.Sort();
        return conflicts;
    }

    private async Task LoadPartAsync(IReadOnlyList<IdentifierId> ids, int[] part, StoredCell[] cells, CancellationToken cancel)
    {
        var buckets = Buckets(part, i => ids[i]);
        var answer = await connection.RunAsync(
            db => db.ScriptEvaluateAsync(Scripts.LoadCells, Keys(buckets), Array.ConvertAll(buckets, b => (RedisValue)b.Ids)), cancel);
        var values = (RedisValue[])answer!;
        for (var i = 0; i < part.Length; i++) cells[part[i]] = new StoredCell(values[i], 0, []);

        // Only an identifier with a cell can have a view worth asking for. The view may be newer than the cell by now: publishing
        // compares vectors whatever the stamp says.
        var found = Array.FindAll(part, i => cells[i].Cell is not null);
        if (found.Length == 0) return;
        var views = Array.ConvertAll(found, i => connection.Keys.View(ids[i]));
        var heads = await connection.CallAsync(db => db.ScriptEvaluateAsync(Scripts.ReadHeads, views), cancel);
        var fields = (RedisValue[])heads;
        for (var i = 0; i < found.Length; i++)
        {
            byte[] stamp = fields[2 * i]!;
            byte[] conclusion = fields[2 * i + 1]!;
            cells[found[i]] = cells[found[i]] with
            {
                ViewStamp = stamp.Length == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(stamp) : 0,
                Conclusion = conclusion,
            };
        }
    }

    // A process that writes alone just sets. When another process appears, every cell of the calls that came too late is a conflict,
    // so that the caller reads again.
    private async Task<IReadOnlyList<int>> StoreAloneAsync(IReadOnlyList<CellWrite> writes, ByteArena arena, CancellationToken cancel)
    {
        var calls = new List<Task<bool>>();
        for (var at = 0; at < writes.Count;)
        {
            var (first, bytes) = (at, 0);
            while (at < writes.Count && bytes < connection.CallBytes) bytes += writes[at++].Content.Length;
            var call = _idle.TryTake(out var idle) ? idle : new RespWriter();
            for (var i = first; i < at;) i = AddBucket(call, writes, i, at, arena);
            await connection.EnterAsync(cancel);
            calls.Add(RunAsync(call));
        }
        return (await Task.WhenAll(calls)).All(done => done) ? [] : [.. Enumerable.Range(0, writes.Count)];

        async Task<bool> RunAsync(RespWriter call)
        {
            var done = await connection.WriteAloneAsync(call, cancel);
            call.Clear();
            _idle.Add(call);
            return done;
        }
    }

    // Adds the cells from i on that are in one bucket; answers the index of the next one.
    private int AddBucket(RespWriter call, IReadOnlyList<CellWrite> writes, int i, int end, ByteArena arena)
    {
        var (first, bucket) = (i, writes[i].Id.Bucket);
        while (i < end && writes[i].Id.Bucket == bucket) i++;
        _empty.Fill(bucket);
        call.Command("HSET"u8, 2 + 2 * (i - first));
        connection.Keys.WriteCells(call, bucket);
        for (var at = first; at < i; at++)
        {
            writes[at].Id.WriteBytes(call.Argument(RedisKeys.CellFieldBytes));
            call.Argument(arena[writes[at].Content]);
        }
        return i;
    }

    private async Task<int[]> StorePartAsync(IReadOnlyList<CellWrite> writes, int[] part, ByteArena arena, CancellationToken cancel)
    {
        var buckets = Buckets(part, i => writes[i].Id);
        RedisValue[] arguments =
        [
            string.Join(',', buckets.Select(b => b.Ids.Length / RedisKeys.CellFieldBytes)),
            buckets.SelectMany(b => b.Ids).ToArray(),
            Expected(writes, part),
            .. part.Select(i => (RedisValue)arena[writes[i].Content].ToArray()),
        ];
        var answer = await connection.WriteAsync(Scripts.StoreCells, Keys(buckets), arguments, epoch: null, cancel);
        return answer is null ? part : Array.ConvertAll(answer, i => part[i - 1]);
    }

    // A bucket with the ids asked of it, in binary one behind the other.
    private readonly record struct BucketIds(int Bucket, byte[] Ids);

    private static BucketIds[] Buckets(int[] part, Func<int, IdentifierId> id)
    {
        var buckets = new List<BucketIds>();
        for (var at = 0; at < part.Length;)
        {
            var (first, bucket) = (at, id(part[at]).Bucket);
            while (at < part.Length && id(part[at]).Bucket == bucket) at++;
            var ids = new byte[(at - first) * RedisKeys.CellFieldBytes];
            for (var i = first; i < at; i++) id(part[i]).WriteBytes(ids.AsSpan((i - first) * RedisKeys.CellFieldBytes));
            buckets.Add(new BucketIds(bucket, ids));
        }
        return [.. buckets];
    }

    private RedisKey[] Keys(BucketIds[] buckets) => Array.ConvertAll(buckets, b => connection.Keys.Cells(b.Bucket));

    private static byte[] Expected(IReadOnlyList<CellWrite> writes, int[] part)
    {
        var expected = new byte[part.Length * VersionBytes];
        for (var i = 0; i < part.Length; i++)
        {
            var version = writes[part[i]].Expected;
            BinaryPrimitives.WriteUInt64LittleEndian(expected.AsSpan(i * VersionBytes), version.Number);
            BinaryPrimitives.WriteUInt64LittleEndian(expected.AsSpan(i * VersionBytes + 8), version.Stamp);
        }
        return expected;
    }

    private static int[] ByBucket(int[] indexes, Func<int, IdentifierId> id)
    {
        Array.Sort(Array.ConvertAll(indexes, i => id(i).Bucket), indexes);
        return indexes;
    }

    // As many as one call takes: by count, by content, and on a cluster of one bucket.
    private int[] NextPart(int[] order, int at, Func<int, IdentifierId> id, Func<int, int>? contentBytes = null)
    {
        var end = at;
        var bytes = 0;
        var bucket = id(order[at]).Bucket;
        while (end < order.Length && end - at < connection.KeysPerCall && bytes < connection.CallBytes
            && (!connection.IsCluster || id(order[end]).Bucket == bucket))
        {
            bytes += contentBytes?.Invoke(order[end]) ?? 0;
            end++;
        }
        return order[at..end];
    }
}
