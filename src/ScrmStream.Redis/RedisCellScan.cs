using System.Runtime.CompilerServices;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>
/// Reads every cell of a namespace, bucket by bucket, a page at a time; between two pages Redis serves others. A cell that is written
/// meanwhile is read as before or after; one may come twice.
/// </summary>
public sealed class RedisCellScan(RedisConnection connection)
{
    private const int CellsPerPage = 1000;

    /// <summary>Pages of stored cells (the layout of <see cref="Pipeline.CellCodec"/>); a page may be empty.</summary>
    /// <exception cref="Pipeline.StoreUnavailableException">Redis refuses the call.</exception>
    public async IAsyncEnumerable<byte[][]> PagesAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var bucket in await BucketsAsync(cancel))
        {
            var cursor = "0";
            do
            {
                var from = cursor;
                var answer = (RedisResult[])(await connection.CallAsync(
                    db => db.ExecuteAsync("HSCAN", connection.Keys.Cells(bucket), from, "COUNT", CellsPerPage), cancel))!;
                cursor = (string)answer[0]!;
                // A field, then its value.
                var page = (RedisValue[])answer[1]!;
                yield return [.. Enumerable.Range(0, page.Length / 2).Select(i => (byte[])page[2 * i + 1]!)];
            }
            while (cursor != "0");
        }
    }

    // Those that hold cells.
    private async Task<IEnumerable<int>> BucketsAsync(CancellationToken cancel)
    {
        var sizes = await StoreCounter.CellsByBucketAsync(connection, cancel);
        return Enumerable.Range(0, RedisKeys.Buckets).Where(b => sizes[b] > 0);
    }
}
