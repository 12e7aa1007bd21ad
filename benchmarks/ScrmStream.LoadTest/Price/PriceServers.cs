using ScrmStream.Host.Settings;
using ScrmStream.Redis.Embedded;
using ScrmStream.TestKit;

namespace ScrmStream.LoadTest.Price;

/// <summary>
/// A real broker and the embedded ClickHouse for all runs, in a folder that is deleted with them; each run has a Redis of its own.
/// </summary>
internal sealed class PriceServers : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("scrm-price-").FullName;
    private readonly RealKafka? _kafka;

    private PriceServers(PriceOptions options)
    {
        _kafka = options.Kafka is null ? RealKafka.Start() : null;
        Kafka = options.Kafka ?? _kafka!.Address;
    }

    public string Kafka { get; }

    public ClickHouseProcess ClickHouse { get; private set; } = null!;

    public static async Task<PriceServers> StartAsync(PriceOptions options, CancellationToken cancel)
    {
        var servers = new PriceServers(options);
        try
        {
            servers.ClickHouse = await ClickHouseProcess.StartAsync(
                options.Program, Path.Combine(servers._folder, "clickhouse"), port: 0, cancel);
            return servers;
        }
        catch
        {
            await servers.DisposeAsync();
            throw;
        }
    }

    /// <summary>An empty one, the caller's to end.</summary>
    /// <param name="keepsLog">As <c>up</c> starts it; false: it keeps nothing on disk.</param>
    public Task<EmbeddedRedis> StartRedisAsync(string name, bool keepsLog, CancellationToken cancel)
    {
        string[] more = keepsLog ? [] : ["--appendonly", "no"];
        return EmbeddedRedis.StartAsync(Path.Combine(_folder, $"redis-{name}"), TimeProvider.System, cancel, 0, more);
    }

    public HostSettings Settings(string name, string redis, string topic)
    {
        var clickHouse = ClickHouse.Address.GetLeftPart(UriPartial.Authority);
        return HostSettings.Load(null, new CommandLineValues(name, Kafka, redis, clickHouse, Group: name, Topics: [topic]));
    }

    public async ValueTask DisposeAsync()
    {
        ClickHouse?.Dispose();
        _kafka?.Dispose();
        await Task.Run(() => Directory.Delete(_folder, recursive: true));
    }
}
