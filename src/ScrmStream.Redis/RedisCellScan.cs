using System.Runtime.CompilerServices;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>
/// Reads every cell of a namespace, in one pass over the keys of each primary, a page at a time; between two pages Redis serves others.
/// A cell that is written meanwhile is read as before or after; one may come twice.
/// </summary>
public sealed class RedisCellScan(RedisConnection connection)
{
    private const int KeysPerPage = 1000;

    /// <summary>Pages of stored cells (the layout of <see cref="Pipeline.CellCodec"/>); a page may be empty.</summary>
    /// <exception cref="Pipeline.StoreUnavailableException">Redis refuses the call.</exception>
    public async IAsyncEnumerable<byte[][]> PagesAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var route in StoreCounter.Routes(connection))
        {
            var cursor = "0";
            do
            {
                var from = cursor;
                var answer = await connection.CallAsync(
                    db => db.ScriptEvaluateAsync(Scripts.CellPage, [route], [from, KeysPerPage, connection.Keys.Prefix]), cancel);
                var page = (RedisValue[])answer;
                cursor = (string)page[0]!;
                yield return Array.ConvertAll(page[1..], value => (byte[])value!);
            }
            while (cursor != "0");
        }
    }
}
