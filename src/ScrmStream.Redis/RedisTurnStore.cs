using System.Globalization;
using ScrmStream.Pipeline;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>
/// The turn as one key that ends by itself. An outage blocks; the calls return only when Redis answered or when they are cancelled.
/// </summary>
public sealed class RedisTurnStore(RedisConnection connection) : ITurnStore
{
    private const string Take = """
        local holder = redis.call('GET', KEYS[1])
        if holder and holder ~= ARGV[1] then return math.max(1, redis.call('PTTL', KEYS[1])) end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return 0
        """;

    private const string Left = """
        local holder = redis.call('GET', KEYS[1])
        return holder and holder ~= ARGV[1] and math.max(1, redis.call('PTTL', KEYS[1])) or 0
        """;

    private const string GiveBack = """
        if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
        return 0
        """;

    private readonly RedisKey _key = connection.Keys.Meta("turn");

    public Task<TimeSpan> TakeAsync(ulong writer, TimeSpan forAtMost, CancellationToken cancel) =>
        AskAsync(Take, [Name(writer), (long)forAtMost.TotalMilliseconds], cancel);

    public Task<TimeSpan> LeftAsync(ulong writer, CancellationToken cancel) => AskAsync(Left, [Name(writer)], cancel);

    public Task GiveBackAsync(ulong writer, CancellationToken cancel) => AskAsync(GiveBack, [Name(writer)], cancel);

    private async Task<TimeSpan> AskAsync(string script, RedisValue[] values, CancellationToken cancel)
    {
        RedisKey[] keys = [_key];
        var left = (long)await connection.CallAsync(db => db.ScriptEvaluateAsync(script, keys, values), cancel);
        return TimeSpan.FromMilliseconds(left);
    }

    private static RedisValue Name(ulong writer) => writer.ToString("x16", CultureInfo.InvariantCulture);
}
