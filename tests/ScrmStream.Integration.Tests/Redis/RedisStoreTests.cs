using System.Text;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Reload;
using ScrmStream.Pipeline.Timers;
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
public sealed class RedisTimerStoreTests(RedisServerFixture redis) : TimerStoreConformance
{
    protected override async Task<(IViewStore Views, ITimerStore Timers)> OpenAsync()
    {
        var connection = await redis.OpenAsync();
        return (new RedisViewStore(connection), new RedisTimerStore(connection));
    }
}

[Collection("redis")]
[NeedsPrograms("redis-server")]
public sealed class RedisRuleStoreTests(RedisServerFixture redis) : RuleStoreConformance
{
    protected override async Task<(ICellStore Cells, IRuleStore Rules)> OpenAsync()
    {
        var connection = await redis.OpenAsync();
        return (new RedisCellStore(connection), new RedisRuleStore(connection));
    }

    /// <summary>From the step on that puts other rules in force, nothing is written by those before.</summary>
    [StoreFact]
    public async Task Publish_WhileAProcessWrites_EndsItsWritesUntilItHasTakenThem()
    {
        var connection = await redis.OpenAsync();
        var (cells, store, none) = (new RedisCellStore(connection), new RedisRuleStore(connection), CancellationToken.None);
        await connection.Epoch.ClaimAsync(none);
        await store.PublishAsync(new RulesInForce(1, "one", "rules.yaml", ""), none);
        await store.TakeAsync(1, none);
        Assert.True(connection.Epoch.IsSole);
        Assert.Empty(await StoreAsync(CellVersion.None, new CellVersion(1, 7)));
        await store.PublishAsync(new RulesInForce(2, "two", "rules.yaml", ""), none);
        Assert.Equal([0], await StoreAsync(new CellVersion(1, 7), new CellVersion(2, 7)));
        Assert.True(store.AreOver);
        Assert.Equal([0], await StoreAsync(new CellVersion(1, 7), new CellVersion(2, 7)));
        await store.TakeAsync(2, none);
        Assert.Equal((false, true), (store.AreOver, connection.Epoch.IsSole));
        Assert.Empty(await StoreAsync(new CellVersion(1, 7), new CellVersion(2, 7)));

        Task<IReadOnlyList<int>> StoreAsync(CellVersion expected, CellVersion version)
        {
            var arena = new ByteArena();
            return cells.StoreAsync([StoreSamples.Cell(arena, StoreSamples.Id("a"), expected, version, "x")], arena, none);
        }
    }
}

[Collection("redis")]
[NeedsPrograms("redis-server")]
public sealed class RedisTurnStoreTests(RedisServerFixture redis) : TurnStoreConformance
{
    protected override async Task<ITurnStore> OpenAsync() => new RedisTurnStore(await redis.OpenAsync());
}

/// <summary>The same by the plain commands of a process that writes alone, which refuses nothing.</summary>
[Collection("redis")]
[NeedsPrograms("redis-server")]
public sealed class RedisTimersAloneTests(RedisServerFixture redis)
{
    [StoreFact]
    public async Task Publish_Alone_StoresMovesAndRemovesTheTimer()
    {
        var connection = await redis.OpenAsync();
        await connection.Epoch.ClaimAsync(CancellationToken.None);
        var (views, timers, id) = (new RedisViewStore(connection), new RedisTimerStore(connection), StoreSamples.Id("openid:wx1:a"));
        Assert.Equal("5", await PublishAsync(1, "5"));
        Assert.Equal("9", await PublishAsync(2, "9"));
        Assert.Equal("", await PublishAsync(3, "-"));
        Assert.Equal("7", await PublishAsync(4, "7"));
        await views.PublishAsync(new ViewSample(id, 5) { Form = ViewForm.Empty, ExpectedStamp = 4, Ranks = new() { [""] = "-" } });
        Assert.Equal("", await DueAsync());
        // Nobody else writes: what a process that is gone has said no longer holds.
        await timers.AdvanceAsync(new WatermarkReport(8, IsAlone: false, WatermarkState.Active, 100, 100), CancellationToken.None);
        Assert.Equal(300, await timers.AdvanceAsync(new WatermarkReport(9, IsAlone: true, WatermarkState.Active, 300, 300), CancellationToken.None));

        async Task<string> PublishAsync(ulong stamp, string time)
        {
            await views.PublishAsync(new ViewSample(id, stamp) { ExpectedStamp = stamp - 1, Ranks = new() { [""] = time } });
            return await DueAsync();
        }

        async Task<string> DueAsync() =>
            string.Join(' ', (await timers.DueAsync([id.Bucket], 100, 10, new long[1], CancellationToken.None)).Select(d => d.TimeMs));
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
