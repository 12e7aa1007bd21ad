using System.Diagnostics;
using ScrmStream.Pipeline;
using ScrmStream.Redis;
using ScrmStream.TestKit.Conformance;
using static ScrmStream.TestKit.Conformance.StoreSamples;

namespace ScrmStream.Integration.Redis;

[NeedsPrograms("redis-server", "redis-cli")]
public sealed class RedisOutageTests : IAsyncLifetime
{
    private readonly OwnRedis _redis = new();

    public async Task InitializeAsync() => await _redis.StartAsync();

    public async Task DisposeAsync() => await _redis.DisposeAsync();

    [StoreFact]
    public async Task Write_ServerKilledAndStartedAgain_WaitsAndIsDone()
    {
        var log = new LogList();
                var connection = await _redis.ConnectAsync(Quick, log);
        var (cells, views) = (new RedisCellStore(connection), new RedisViewStore(connection));
        await Store(cells, "before", CellVersion.None, new(1, 1));
        await views.PublishAsync(Customer(Id("before"), 1));

        await _redis.Server.StopAsync(kill: true);
        var store = Store(cells, "during", CellVersion.None, new(1, 1));
        var publish = views.PublishAsync(Customer(Id("during"), 2));
        var load = cells.LoadAsync([Id("before")], CancellationToken.None);
        await Task.Delay(700);
        Assert.False(store.IsCompleted || publish.IsCompleted || load.IsCompleted);

        await _redis.StartAsync();
        Assert.Empty(await store.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Empty(await publish.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(1UL, (await load.WaitAsync(TimeSpan.FromSeconds(30)))[0].ViewStamp);
        var loaded = await cells.LoadAsync([Id("before"), Id("during")], CancellationToken.None);
        Assert.All(loaded, c => Assert.Equal(1UL, VersionOf(c).Number));
        // Three calls tried for most of a second; what is logged is the change, not the attempts. (A reconnect may stumble once.)
        var ids = log.Lines.Select(l => l.Id).ToArray();
        Assert.True(ids is [3201, 3202] or [3201, 3202, 3201, 3202], string.Join(", ", log.Lines));
        Assert.Contains(_redis.Server.Address, log.Lines[0].Text);
    }

    [StoreFact]
    public async Task Write_ServerHangs_IsSentAgainWhenItAnswers()
    {
                var connection = await _redis.ConnectAsync(Quick);
        var cells = new RedisCellStore(connection);
        await Store(cells, "warm", CellVersion.None, new(1, 1));

        await Signal("-STOP");
        var fresh = Store(cells, "fresh", CellVersion.None, new(1, 1));
        var known = Store(cells, "warm", new(1, 1), new(2, 1));
        await Task.Delay(1500);
        Assert.False(fresh.IsCompleted || known.IsCompleted);
        await Signal("-CONT");

        // The first copy of each write is applied late, after its answer was given up; the second finds its own work and is content.
        Assert.Empty(await fresh.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Empty(await known.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(2UL, VersionOf((await cells.LoadAsync([Id("warm")], CancellationToken.None))[0]).Number);
    }

    [StoreFact]
    public async Task Write_CancelledInAnOutage_Ends()
    {
                var connection = await _redis.ConnectAsync(Quick);
        await _redis.Server.StopAsync(kill: true);
        using var cancel = new CancellationTokenSource(300);
        var arena = new ByteArena();
        CellWrite[] writes = [Cell(arena, Id("a"), CellVersion.None, new(1, 1), "x")];
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new RedisCellStore(connection).StoreAsync(writes, arena, cancel.Token));
    }

    [StoreFact]
    public async Task Write_ScriptsFlushed_LoadsThemAgain()
    {
                var connection = await _redis.ConnectAsync();
        var views = new RedisViewStore(connection);
        await views.PublishAsync(Customer(Id("a"), 1));
        var flush = new ProcessStartInfo("redis-cli", ["-p", $"{_redis.Port}", "SCRIPT", "FLUSH"]) { RedirectStandardOutput = true };
        using (var cli = Process.Start(flush)!)
            await cli.WaitForExitAsync();
        Assert.Empty(await views.PublishAsync(Customer(Id("a"), 2, version: 2)).WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [StoreFact]
    public async Task Write_KeyOfAnotherType_IsAnErrorThatNamesTheServer()
    {
                var connection = await _redis.ConnectAsync();
        await connection.Database.ListLeftPushAsync(connection.Keys.View(Id("a")), "x");
        var views = new RedisViewStore(connection);
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => views.PublishAsync(Customer(Id("a"), 1) with { ExpectedStamp = 3 }));
        Assert.Contains(_redis.Server.Address, error.Message);
        Assert.Contains("WRONGTYPE", error.Message);
    }

    private static void Quick(RedisOptions options)
    {
        options.CallTimeoutMs = 400;
        options.RetryDelayMaxMs = 200;
    }

    private static Task<IReadOnlyList<int>> Store(RedisCellStore cells, string name, CellVersion expected, CellVersion version)
    {
        var arena = new ByteArena();
        return cells.StoreAsync([Cell(arena, Id(name), expected, version, name)], arena, CancellationToken.None);
    }

    private async Task Signal(string signal)
    {
        using var kill = Process.Start("kill", [signal, $"{_redis.Server.ProcessId}"]);
        await kill.WaitForExitAsync();
    }
}
