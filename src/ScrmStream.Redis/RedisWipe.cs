using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>
/// Deletes the state of a namespace: cells, views, boards, timers, watermark, mark and the rules in force. What says who writes and in
/// what format stays.
/// </summary>
public sealed class RedisWipe(RedisConnection connection)
{
    private const int KeysPerCall = 1_000;

    /// <returns>How many keys were deleted.</returns>
    /// <exception cref="Pipeline.StoreUnavailableException">Redis refuses the call.</exception>
    public async Task<long> RunAsync(CancellationToken cancel)
    {
        var prefix = connection.Keys.Prefix;
        // The mark goes first: a process that still runs ends then, and none starts before there is a new one.
        RedisKey[] meta = [.. ((string[])["mark", "watermark", "rules", "sweep"]).Select(connection.Keys.Meta)];
        await DeleteAsync(meta, cancel);
        long deleted = meta.Length;
        foreach (var pattern in (string[])[$"{prefix}cells:{{*", $"{prefix}{{*", $"{prefix}leads:*", $"{prefix}timers:{{*"])
        {
            foreach (var server in connection.Primaries())
            {
                foreach (var keys in server.Keys(pattern: pattern, pageSize: KeysPerCall).Chunk(KeysPerCall))
                {
                    await DeleteAsync(keys, cancel);
                    deleted += keys.Length;
                }
            }
        }
        return deleted;
    }

    // One by one, for on a cluster they lie in different slots; all in one go.
    private Task DeleteAsync(RedisKey[] keys, CancellationToken cancel) =>
        connection.CallAsync(db => Task.WhenAll(keys.Select(key => db.KeyDeleteAsync(key))), cancel);
}
