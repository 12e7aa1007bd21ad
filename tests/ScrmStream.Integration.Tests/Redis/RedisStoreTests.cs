using System.Text;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Redis;
using ScrmStream.TestKit.Conformance;
using StackExchange.Redis;

namespace ScrmStream.Integration.Redis;

[Collection("redis")]
[NeedsPrograms("redis-server")]
public sealed class RedisCellStoreTests(RedisServerFixture redis) : CellStoreConformance
{
    protected override async Task<(ICellStore Cells, IViewStore Views)> OpenAsync()
    {
        var connection = await redis.OpenAsync();
        return (new RedisCellStore(connection), new RedisViewStore(connection));
    }
}

[Collection("redis")]
[NeedsPrograms("redis-server")]
public sealed class RedisViewStoreTests(RedisServerFixture redis) : ViewStoreConformance
{
    private RedisConnection? _connection;

    protected override async Task<(ICellStore Cells, IViewStore Views)> OpenAsync()
    {
        _connection = await redis.OpenAsync();
        return (new RedisCellStore(_connection), new RedisViewStore(_connection));
    }

    protected override Task<PublishedView?> ReadAsync(IdentifierId id, IReadOnlyCollection<string> scores) =>
        RedisReadBack.ReadAsync(_connection!, id, scores);
}

/// <summary>Reads a view key by key, with nothing of the adapter but the key names.</summary>
internal static class RedisReadBack
{
    public static async Task<PublishedView?> ReadAsync(RedisConnection connection, IdentifierId id, IReadOnlyCollection<string> scores)
    {
        var db = connection.Database;
        if (!await db.KeyExistsAsync(connection.Keys.View(id))) return null;
        var ranks = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var score in scores)
            if (await db.SortedSetScoreAsync(connection.Keys.Board(Encoding.UTF8.GetBytes(score), id.Bucket), id.ToString()) is { } rank)
                ranks[score] = rank.ToString("R");
        return new PublishedView(
            await Hash(connection.Keys.View(id)), await Hash(connection.Keys.Tags(id)), await Hash(connection.Keys.TagExpiry(id)), ranks);

        async Task<SortedDictionary<string, string>> Hash(RedisKey key)
        {
            var fields = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var entry in await db.HashGetAllAsync(key))
                if (!((string)entry.Name!).StartsWith('_')) fields[(string)entry.Name!] = (string)entry.Value!;
            return fields;
        }
    }
}
