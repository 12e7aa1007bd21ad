using ScrmStream.Redis.Embedded;
using ScrmStream.TestKit;
using StackExchange.Redis;

namespace ScrmStream.LoadTest.Chaos;

/// <summary>A real broker, Redis that keeps what it acknowledged, and the embedded ClickHouse, in a folder that is deleted with them.</summary>
internal sealed class ChaosServers : IAsyncDisposable
{
    private readonly ChaosOptions _options;
    private readonly RealKafka? _kafka;
    private EmbeddedRedis _redis = null!;
    private ClickHouseProcess _clickHouse = null!;

    private ChaosServers(ChaosOptions options, string folder)
    {
        _options = options;
        Folder = folder;
        _kafka = options.Kafka is null ? RealKafka.Start() : null;
        Kafka = options.Kafka ?? _kafka!.Address;
    }

    public string Folder { get; }

    /// <summary>What the servers have stored stays in <see cref="Folder"/> when they end.</summary>
    public bool AreStoresKept { get; set; }

    public string Kafka { get; }

    /// <summary>Stays the same over a restart.</summary>
    public string Redis { get; private set; } = "";

    /// <summary>Stays the same over a restart.</summary>
    public Uri ClickHouse { get; private set; } = null!;

    public static async Task<ChaosServers> StartAsync(ChaosOptions options, CancellationToken cancel)
    {
        var servers = new ChaosServers(options, Directory.CreateTempSubdirectory("scrm-chaos-").FullName);
        try
        {
            await servers.StartRedisAsync(0, cancel);
            servers.Redis = servers._redis.Address;
            await servers.StartClickHouseAsync(0, cancel);
            servers.ClickHouse = servers._clickHouse.Address;
            return servers;
        }
        catch
        {
            await servers.DisposeAsync();
            throw;
        }
    }

    /// <summary>SIGKILL, and after a while a new process on what the old one kept.</summary>
    /// <param name="space">The namespace whose rules stay in force, whatever else is forgotten.</param>
    public async Task RestartRedisAsync(TimeSpan away, string space, CancellationToken cancel)
    {
        var rulesKey = $"scrm:{space}:meta:rules";
        var rules = _options.IsRedisForgetful ? await CallRedisAsync(db => db.KeyDumpAsync(rulesKey)) : null;
        await _redis.StopAsync(kill: true);
        await Task.Delay(away, cancel);
        await StartRedisAsync(_redis.Port, cancel);
        // Without rules in force no process would write anything again, and there would be nothing to find.
        if (rules is not null) await CallRedisAsync(async db => { await db.KeyRestoreAsync(rulesKey, rules); return rules; });
    }

    /// <summary>The same of ClickHouse.</summary>
    public async Task RestartClickHouseAsync(TimeSpan away, CancellationToken cancel)
    {
        _clickHouse.Dispose();
        await Task.Delay(away, cancel);
        await StartClickHouseAsync(ClickHouse.Port, cancel);
    }

    public async ValueTask DisposeAsync()
    {
        if (_redis is not null) await _redis.DisposeAsync();
        _clickHouse?.Dispose();
        _kafka?.Dispose();
        if (!AreStoresKept) Directory.Delete(Folder, recursive: true);
    }

    private async Task<byte[]?> CallRedisAsync(Func<IDatabase, Task<byte[]?>> call)
    {
        using var redis = await ConnectionMultiplexer.ConnectAsync(Redis);
        return await call(redis.GetDatabase());
    }

    private async Task StartRedisAsync(int port, CancellationToken cancel)
    {
        // The server's own limit of the file that it reads when it comes back: with all of a long run in it that takes 20 s.
        string[] more = ["--auto-aof-rewrite-min-size", "64mb", .. _options.IsRedisForgetful ? (string[])["--appendonly", "no"] : []];
        _redis = await EmbeddedRedis.StartAsync(Path.Combine(Folder, "redis"), TimeProvider.System, cancel, port, more);
    }

    private async Task StartClickHouseAsync(int port, CancellationToken cancel) =>
        _clickHouse = await ClickHouseProcess.StartAsync(_options.Program, Path.Combine(Folder, "clickhouse"), port, cancel);
}
