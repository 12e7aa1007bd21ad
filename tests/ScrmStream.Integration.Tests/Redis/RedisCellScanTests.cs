using System.Text;
using ScrmStream.Identity;
using ScrmStream.Redis;
using ScrmStream.TestKit.Conformance;
using StackExchange.Redis;

namespace ScrmStream.Integration.Redis;

[Collection("redis")]
[NeedsPrograms("redis-server")]
public sealed class RedisCellScanTests(RedisServerFixture server)
{
    [StoreFact]
    public async Task Pages_OfOneNamespace_HaveEachOfItsCellsAndNothingElse()
    {
        var connection = await server.OpenAsync();
        var wanted = Enumerable.Range(0, 2_500).Select(n => $"cell {n}").ToHashSet();
        await StoreAsync(connection, wanted);
        await StoreAsync(await server.OpenAsync(), ["a cell of another namespace"]);
        await connection.Database.HashSetAsync(connection.Keys.View(IdentifierId.Of("cell 1"u8)), "events", 1);

        var (found, pages) = (new HashSet<string>(), 0);
        await foreach (var page in new RedisCellScan(connection).PagesAsync(CancellationToken.None))
        {
            pages++;
            found.UnionWith(page.Select(Encoding.UTF8.GetString));
        }

        Assert.Equal(wanted, found);
        Assert.True(pages > 1);
    }

    private static Task StoreAsync(RedisConnection connection, IEnumerable<string> contents) =>
        Task.WhenAll(contents.Select(c => StoreAsync(connection, IdentifierId.Of(Encoding.UTF8.GetBytes(c)), c)));

    private static Task StoreAsync(RedisConnection connection, IdentifierId id, string content)
    {
        var field = new byte[16];
        id.WriteBytes(field);
        return connection.Database.HashSetAsync(connection.Keys.Cells(id.Bucket), field, content);
    }
}
