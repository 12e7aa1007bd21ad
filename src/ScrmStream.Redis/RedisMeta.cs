namespace ScrmStream.Redis;

/// <summary>Reads and writes <c>scrm:meta:*</c>: watermarks, markers, versions. Calls may come from any thread.</summary>
public sealed class RedisMeta(RedisConnection connection)
{
    /// <summary>Null when it was never written.</summary>
    public async Task<string?> ReadAsync(string name, CancellationToken cancel) =>
        (string?)await connection.CallAsync(db => db.StringGetAsync(connection.Keys.Meta(name)), cancel);

    public Task WriteAsync(string name, string value, CancellationToken cancel) =>
        connection.CallAsync(db => db.StringSetAsync(connection.Keys.Meta(name), value), cancel);

    /// <summary>Writes it when nothing is there, and returns what is there then.</summary>
    public async Task<string> WriteOnceAsync(string name, string value, CancellationToken cancel)
    {
        await connection.CallAsync(
            db => db.StringSetAsync(connection.Keys.Meta(name), value, null, StackExchange.Redis.When.NotExists), cancel);
        return await ReadAsync(name, cancel) ?? value;
    }
}
