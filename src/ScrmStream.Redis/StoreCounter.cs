using ScrmStream.Pipeline;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>
/// Counts one namespace in one pass over the keys of each primary, a page at a time; between two pages Redis serves others. Exact
/// while nobody writes.
/// </summary>
internal sealed class StoreCounter(RedisConnection connection)
{
    private const int KeysPerPage = 1000;

    public async Task<StoreTotals> CountAsync(CancellationToken cancel)
    {
        var cells = (await CellsByBucketAsync(connection, cancel)).Sum();
        long customers = 0, tags = 0;
        foreach (var route in Routes(connection))
        {
            var cursor = "0";
            do
            {
                var from = cursor;
                var answer = await connection.CallAsync(
                    db => db.ScriptEvaluateAsync(Scripts.CountPage, [route], [from, KeysPerPage, connection.Keys.Prefix]), cancel);
                var page = (RedisResult[])answer;
                cursor = (string)page[0]!;
                customers += (long)page[1];
                tags += (long)page[2];
            }
            while (cursor != "0");
        }
        return new StoreTotals(cells, customers, tags);
    }

    /// <summary>The number of cells in each bucket.</summary>
    internal static Task<long[]> CellsByBucketAsync(RedisConnection connection, CancellationToken cancel) =>
        connection.CallAsync(
            db => Task.WhenAll(Enumerable.Range(0, RedisKeys.Buckets).Select(b => db.HashLengthAsync(connection.Keys.Cells(b)))), cancel);

    /// <summary>For each primary one key that lives on it, so that a script that looks for keys is sent there.</summary>
    internal static IEnumerable<RedisKey> Routes(RedisConnection connection)
    {
        var buckets = Enumerable.Range(0, connection.IsCluster ? RedisKeys.Buckets : 1)
            .Select(b => connection.Keys.Board("count"u8, b)).ToList();
        return connection.IsCluster ? buckets.DistinctBy(key => connection.Database.IdentifyEndpoint(key)) : buckets;
    }
}
