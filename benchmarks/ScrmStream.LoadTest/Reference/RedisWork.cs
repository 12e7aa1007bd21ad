using System.Globalization;
using ScrmStream.Redis;

namespace ScrmStream.LoadTest.Reference;

/// <summary>What a run has Redis do, by its own counters.</summary>
internal sealed class RedisWork
{
    private readonly RedisConnection _redis;
    private readonly long _commands, _bytes;

    private RedisWork(RedisConnection redis, long commands, long bytes) => (_redis, _commands, _bytes) = (redis, commands, bytes);

    public static async Task<RedisWork> BeginAsync(RedisConnection redis)
    {
        var (commands, bytes) = await ReadAsync(redis);
        return new RedisWork(redis, commands, bytes);
    }

    /// <summary>What has come since, in words.</summary>
    public async Task<string> EndAsync(long events)
    {
        var (commands, bytes) = await ReadAsync(_redis);
        // db0 -> keys=N,expires=N,...
        var keys = (await _redis.InfoAsync("keyspace")).GetValueOrDefault("db0", "keys=0,").Split(',')[0]["keys=".Length..];
        return $"to Redis {(commands - _commands) / (double)events:0.00} commands and {(bytes - _bytes) / (double)events:N0} B an event; "
            + $"{long.Parse(keys, CultureInfo.InvariantCulture):N0} keys";
    }

    private static async Task<(long Commands, long Bytes)> ReadAsync(RedisConnection redis)
    {
        var stats = await redis.InfoAsync("stats");
        return (Number("total_commands_processed"), Number("total_net_input_bytes"));

        long Number(string name) => long.Parse(stats[name], CultureInfo.InvariantCulture);
    }
}
