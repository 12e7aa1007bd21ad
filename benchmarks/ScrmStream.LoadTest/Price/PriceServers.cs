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

    private PriceServers(string? kafka)
    {
        _kafka = kafka is null ? RealKafka.Start() : null;
        Kafka = kafka ?? _kafka!.Address;
    }

    public string Kafka { get; }

    public ClickHouseProcess ClickHouse { get; private set; } = null!;

    /// <param name="kafka">The address of a broker; null: one is started.</param>
    /// <param name="program">The program that is run as ClickHouse, with the arguments that come before its own.</param>
    public static async Task<PriceServers> StartAsync(string? kafka, IReadOnlyList<string> program, CancellationToken cancel)
    {
        var servers = new PriceServers(kafka);
        try
        {
            servers.ClickHouse = await ClickHouseProcess.StartAsync(
                program, Path.Combine(servers._folder, "clickhouse"), port: 0, cancel);
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
    /// <param name="more">Further settings as on its command line.</param>
    public Task<EmbeddedRedis> StartRedisAsync(string name, bool keepsLog, CancellationToken cancel, params string[] more)
    {
        string[] settings = keepsLog ? more : ["--appendonly", "no", .. more];
        return EmbeddedRedis.StartAsync(Path.Combine(_folder, $"redis-{name}"), TimeProvider.System, cancel, 0, settings);
    }

    /// <summary>A file or folder that is deleted with the servers.</summary>
    public string PathOf(string name) => Path.Combine(_folder, name);

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
