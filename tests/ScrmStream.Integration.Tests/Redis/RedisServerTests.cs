using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Pipeline;
using ScrmStream.Redis;
using ScrmStream.Redis.Embedded;
using ScrmStream.TestKit.Conformance;
using static ScrmStream.TestKit.Conformance.StoreSamples;

namespace ScrmStream.Integration.Redis;

[NeedsPrograms("redis-server", "redis-cli")]
public sealed class RedisServerTests : IAsyncLifetime
{
    private readonly OwnRedis _redis = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _redis.DisposeAsync();

    [StoreFact]
    public async Task Check_EmbeddedServer_FindsNothing()
    {
        await StartAsync();
        var connection = await _redis.ConnectAsync();
        Assert.Empty(await new RedisServerCheck(connection).RunAsync(CancellationToken.None));
        Assert.Equal(RedisServerCheck.StateFormat, await new RedisMeta(connection).ReadAsync("format", CancellationToken.None));
        Assert.Null(await new RedisMeta(connection).ReadAsync("probe", CancellationToken.None));
    }

    [StoreFact]
    public async Task Check_ServerThatForgets_SaysWhatAndHowToSetIt()
    {
        await StartAsync("--appendonly", "no", "--appendfsync", "everysec", "--maxmemory-policy", "allkeys-lru");
        var log = new LogList();
        var connection = await _redis.ConnectAsync(logger: log);
        var findings = await new RedisServerCheck(connection).RunAsync(CancellationToken.None);
        Assert.Equal(["appendonly", "appendfsync", "maxmemory-policy"], findings.Select(f => f.Setting));
        Assert.Equal("everysec", findings[1].Actual);
        Assert.Equal([3203, 3203, 3203], log.Lines.Select(l => l.Id));
    }

    [StoreFact]
    public async Task Check_OtherStateFormat_RefusesAndNamesIt()
    {
        await StartAsync();
        var connection = await _redis.ConnectAsync();
        await new RedisMeta(connection).WriteAsync("format", "99", CancellationToken.None);
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => new RedisServerCheck(connection).RunAsync(CancellationToken.None));
        Assert.Contains("format 99", error.Message);
        Assert.Contains("scrm:meta:format", error.Message);
    }

    [StoreFact]
    public async Task Check_RestoreForbidden_RefusesAndSaysWhatToAllow()
    {
        await StartAsync();
        await Cli("ACL", "SETUSER", "default", "-restore");
        var connection = await _redis.ConnectAsync();
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => new RedisServerCheck(connection).RunAsync(CancellationToken.None));
        Assert.Contains("+restore", error.Message);
    }

    [StoreFact]
    public async Task Check_ConfigForbidden_IsAFinding()
    {
        await StartAsync();
        await Cli("ACL", "SETUSER", "default", "-config");
        var connection = await _redis.ConnectAsync();
        var findings = await new RedisServerCheck(connection).RunAsync(CancellationToken.None);
        Assert.Equal(3, findings.Count);
        Assert.All(findings, f => Assert.Null(f.Actual));
    }

    [StoreFact]
    public async Task Open_NobodyThere_NamesAddressSettingAndFix()
    {
        var options = new RedisOptions { Address = "127.0.0.1:1", ConnectTimeoutMs = 500 };
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => RedisConnection.OpenAsync(options, NullLogger.Instance, TimeProvider.System, CancellationToken.None));
        Assert.Contains("127.0.0.1:1", error.Message);
        Assert.Contains("--redis", error.Message);
        Assert.Contains("scrm up", error.Message);
    }

    [StoreFact]
    public async Task Open_Password_IsNeededAndUsed()
    {
        await StartAsync();
        await Cli("CONFIG", "SET", "requirepass", "secret");
        await Assert.ThrowsAsync<StoreUnavailableException>(() => _redis.ConnectAsync(o => o.ConnectTimeoutMs = 1000));
        var connection = await _redis.ConnectAsync(o => o.Password = "secret");
        Assert.Empty(await new RedisServerCheck(connection).RunAsync(CancellationToken.None));
    }

    [StoreFact]
    public async Task Namespaces_InOneServer_DoNotSeeEachOther()
    {
        await StartAsync();
        var stores = new List<(RedisCellStore Cells, RedisViewStore Views)>();
        foreach (var name in new[] { "", "a", "a-b" })
        {
            var connection = await _redis.ConnectAsync(o => o.Namespace = name);
            stores.Add((new RedisCellStore(connection), new RedisViewStore(connection)));
        }
        for (var n = 0; n < stores.Count; n++)
        {
            var arena = new ByteArena();
            var writes = Enumerable.Range(0, 10 + n).Select(i => Cell(arena, Id($"{i}"), CellVersion.None, new(1, 1), $"of {n}")).ToArray();
            Assert.Empty(await stores[n].Cells.StoreAsync(writes, arena, CancellationToken.None));
            await stores[n].Views.PublishAsync([.. Enumerable.Range(0, n + 1).Select(i => Customer(Id($"{i}"), 1))]);
        }
        for (var n = 0; n < stores.Count; n++)
        {
            Assert.Equal(new StoreTotals(10 + n, n + 1, 2 * (n + 1)), await stores[n].Views.CountAsync(CancellationToken.None));
            Assert.Equal($"of {n}", FactsOf((await stores[n].Cells.LoadAsync([Id("3")], CancellationToken.None))[0]));
        }
    }

    [StoreFact]
    public async Task Stores_OnACluster_GroupTheirCallsByBucket()
    {
        await StartAsync("--cluster-enabled", "yes");
        await Cli("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
        for (var i = 0; i < 200 && !(await Cli("CLUSTER", "INFO")).Contains("cluster_state:ok"); i++) await Task.Delay(50);

        var connection = await _redis.ConnectAsync();
        Assert.True(connection.IsCluster);
        Assert.Empty(await new RedisServerCheck(connection).RunAsync(CancellationToken.None));
        var (cells, views) = (new RedisCellStore(connection), new RedisViewStore(connection));
        var ids = Enumerable.Range(0, 300).Select(i => Id($"{i}")).ToArray();
        var arena = new ByteArena();
        CellWrite[] fresh = [.. ids.Select(id => Cell(arena, id, default, new(1, 1), "x"))];
        CellWrite[] known = [.. ids.Select(id => Cell(arena, id, new(1, 1), new(2, 1), "x"))];
        Assert.Empty(await cells.StoreAsync(fresh, arena, CancellationToken.None));
        Assert.Empty(await cells.StoreAsync(known, arena, CancellationToken.None));
        Assert.Empty(await views.PublishAsync([.. ids.Select(id => Customer(id, 1))]));
        Assert.Empty(await views.PublishAsync(
            [.. ids.Select((id, i) => Customer(id, 2, version: 2) with { ExpectedStamp = (ulong)(i % 2) })]));
        Assert.All(await cells.LoadAsync(ids, CancellationToken.None), c => Assert.Equal(2UL, c.ViewStamp));
        Assert.Equal(new StoreTotals(300, 300, 600), await views.CountAsync(CancellationToken.None));
        Assert.Equal(7, (await new RedisReader(connection).LeadersAsync("intent", 7, 0, CancellationToken.None)).Count);
    }

    [StoreFact]
    public async Task Embedded_StoppedByItsId_KeepsWhatItAcknowledged()
    {
        await StartAsync();
        var id = _redis.Server.ProcessId;
        var cells = new RedisCellStore(await _redis.ConnectAsync());
        var arena = new ByteArena();
        await cells.StoreAsync([Cell(arena, Id("a"), default, new(1, 1), "kept")], arena, CancellationToken.None);
        Assert.True(await EmbeddedRedis.StopAsync(id));
        Assert.True(_redis.Server.HasExited);
        Assert.True(await EmbeddedRedis.StopAsync(id));
        Assert.False(await EmbeddedRedis.StopAsync(Environment.ProcessId));   // not a redis-server: left alone

        await _redis.StartAsync();
        Assert.Equal("kept", FactsOf((await cells.LoadAsync([Id("a")], CancellationToken.None))[0]));
    }

    [StoreFact]
    public async Task Embedded_PortInUse_SaysWhereTheLogIs()
    {
        await StartAsync();
        var other = Path.Combine(_redis.Directory, "other");
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => EmbeddedRedis.StartAsync(other, TimeProvider.System, CancellationToken.None, _redis.Port));
        Assert.Contains(other, error.Message);
    }

    private async Task StartAsync(params string[] extra)
    {
        await _redis.StartAsync(extra);
    }

    private async Task<string> Cli(params string[] args)
    {
        var start = new ProcessStartInfo("redis-cli", ["-p", $"{_redis.Port}", .. args])
        {
            RedirectStandardOutput = true, StandardOutputEncoding = Encoding.UTF8,
        };
        using var cli = Process.Start(start)!;
        var printed = await cli.StandardOutput.ReadToEndAsync();
        await cli.WaitForExitAsync();
        return printed;
    }
}
