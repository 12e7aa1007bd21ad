using System.Buffers.Binary;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>Cells as Redis strings. An outage blocks; the calls return only when Redis answered or when they are cancelled.</summary>
public sealed class RedisCellStore(RedisConnection connection) : ICellStore
{
    private const int VersionBytes = 16;

    public async Task<StoredCell[]> LoadAsync(IReadOnlyList<IdentifierId> ids, CancellationToken cancel)
    {
        var cells = new StoredCell[ids.Count];
        var order = ByBucketOnCluster(ids.Count, i => ids[i]);
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
        // New cells and changed ones go in different calls: MSETNX sets new ones at the price of a plain write.
        var fresh = Enumerable.Range(0, writes.Count).Where(i => writes[i].Expected == CellVersion.None).ToArray();
        var known = Enumerable.Range(0, writes.Count).Where(i => writes[i].Expected != CellVersion.None).ToArray();
        var calls = new List<Task<int[]>>();
        await SendAsync(fresh, isFresh: true);
        await SendAsync(known, isFresh: false);
        var conflicts = new List<int>();
        foreach (var part in await Task.WhenAll(calls)) conflicts.AddRange(part);
        conflicts.Sort();
        return conflicts;

        async Task SendAsync(int[] order, bool isFresh)
        {
            if (connection.IsCluster) Array.Sort(order, (a, b) => writes[a].Id.Bucket.CompareTo(writes[b].Id.Bucket));
            for (var at = 0; at < order.Length;)
            {
                var part = NextPart(order, at, i => writes[i].Id, i => writes[i].Content.Length);
                at += part.Length;
                await connection.EnterAsync(cancel);
                calls.Add(StorePartAsync(writes, part, arena, isFresh, cancel));
            }
        }
    }

    private async Task LoadPartAsync(IReadOnlyList<IdentifierId> ids, int[] part, StoredCell[] cells, CancellationToken cancel)
    {
        var keys = Array.ConvertAll(part, i => connection.Keys.Cell(ids[i]));
        var values = await connection.RunAsync(db => db.StringGetAsync(keys), cancel);
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

    private async Task<int[]> StorePartAsync(
        IReadOnlyList<CellWrite> writes, int[] part, ByteArena arena, bool isFresh, CancellationToken cancel)
    {
        var keys = new RedisKey[part.Length];
        var values = new RedisValue[part.Length + 1];
        var expected = new byte[part.Length * VersionBytes];
        for (var i = 0; i < part.Length; i++)
        {
            var write = writes[part[i]];
            keys[i] = connection.Keys.Cell(write.Id);
            values[i + 1] = arena[write.Content].ToArray();
            BinaryPrimitives.WriteUInt64LittleEndian(expected.AsSpan(i * VersionBytes), write.Expected.Number);
            BinaryPrimitives.WriteUInt64LittleEndian(expected.AsSpan(i * VersionBytes + 8), write.Expected.Stamp);
        }
        values[0] = expected;
        if (!isFresh) return Conflicts(await connection.RunAsync(Compare, cancel));

        var pairs = new KeyValuePair<RedisKey, RedisValue>[keys.Length];
        for (var i = 0; i < pairs.Length; i++) pairs[i] = new(keys[i], values[i + 1]);
        if (await connection.RunAsync(db => db.StringSetAsync(pairs, When.NotExists), cancel)) return [];
        return Conflicts(await connection.CallAsync(Compare, cancel));   // one of them exists: decide each by itself

        Task<RedisResult> Compare(IDatabase db) => db.ScriptEvaluateAsync(Scripts.StoreCells, keys, values);
        int[] Conflicts(RedisResult answer) => Array.ConvertAll((int[])answer, i => part[i - 1]);
    }

    private int[] ByBucketOnCluster(int count, Func<int, IdentifierId> id)
    {
        var order = Enumerable.Range(0, count).ToArray();
        if (connection.IsCluster) Array.Sort(order, (a, b) => id(a).Bucket.CompareTo(id(b).Bucket));
        return order;
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
