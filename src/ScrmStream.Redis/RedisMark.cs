using System.Globalization;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>How far Redis has come: a generation that each rebuild begins, and a mark that grows while a process runs.</summary>
public readonly record struct StateMark(ulong Generation, ulong Mark);

/// <summary>
/// The mark in <c>scrm:meta:mark</c>, which goes back or away when Redis is rolled back or emptied. Calls may come from any thread.
/// </summary>
public sealed class RedisMark(RedisConnection connection)
{
    private const string Advance = """
        if redis.call('HGET', KEYS[1], 'generation') ~= ARGV[1] then return -1 end
        return redis.call('HINCRBY', KEYS[1], 'mark', 1)
        """;

    private const string WriteOnce = """
        if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'mark', ARGV[2]) end
        return redis.call('HMGET', KEYS[1], 'generation', 'mark')
        """;

    private readonly RedisKey _key = connection.Keys.Meta("mark");

    /// <summary>Null where there is none.</summary>
    public async Task<StateMark?> ReadAsync(CancellationToken cancel)
    {
        var fields = await connection.CallAsync(db => db.HashGetAsync(_key, ["generation", "mark"]), cancel);
        return fields[0].IsNull ? null : new StateMark(Number(fields[0]), Number(fields[1]));
    }

    /// <summary>Writes it where there is none, and returns what is there then.</summary>
    public async Task<StateMark> WriteOnceAsync(StateMark mark, CancellationToken cancel)
    {
        RedisKey[] keys = [_key];
        RedisValue[] values = [Text(mark.Generation), Text(mark.Mark)];
        var fields = (RedisValue[])await connection.CallAsync(db => db.ScriptEvaluateAsync(WriteOnce, keys, values), cancel);
        return new StateMark(Number(fields[0]), Number(fields[1]));
    }

    public Task WriteAsync(StateMark mark, CancellationToken cancel) => connection.CallAsync(async db =>
    {
        await db.HashSetAsync(_key, [new HashEntry("generation", Text(mark.Generation)), new HashEntry("mark", Text(mark.Mark))]);
        return true;
    }, cancel);

    /// <summary>Sets the next mark of a generation; null: that generation is not there any more.</summary>
    public async Task<ulong?> AdvanceAsync(ulong generation, CancellationToken cancel)
    {
        RedisKey[] keys = [_key];
        RedisValue[] values = [Text(generation)];
        var mark = (long)await connection.CallAsync(db => db.ScriptEvaluateAsync(Advance, keys, values), cancel);
        return mark < 0 ? null : (ulong)mark;
    }

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);

    private static ulong Number(RedisValue text) => ulong.Parse((string)text!, CultureInfo.InvariantCulture);
}
