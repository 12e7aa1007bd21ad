using ScrmStream.ClickHouse;
using ScrmStream.Host.Settings;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Servers;

/// <summary>One server as <c>status</c> shows it.</summary>
/// <param name="Address">Null: none is known.</param>
/// <param name="Version">Null when it is not alive; of Kafka, the client's version: brokers do not tell theirs.</param>
/// <param name="Stored">Counts by name: topics and lag, identifiers and customers, rows by table.</param>
/// <param name="Problem">Why it is not alive; null when it is.</param>
public sealed record ServerState(
    string Server, string? Address, bool Alive, string? Version, IReadOnlyDictionary<string, long> Stored, string? Problem)
{
    private static readonly Dictionary<string, long> Nothing = [];

    /// <summary>Asks all three at once; a server that does not answer is an answer, not an error.</summary>
    public static async Task<IReadOnlyList<ServerState>> LookAsync(HostSettings settings, CancellationToken cancel) => await Task.WhenAll(
        OfAsync("kafka", settings.HasKafka ? settings.Kafka.BootstrapServers : null, () => KafkaAsync(settings, cancel)),
        OfAsync("redis", settings.HasRedis ? settings.Redis.Address : null, () => RedisAsync(settings, cancel)),
        OfAsync("clickhouse", settings.HasClickHouse ? settings.ClickHouse.Address : null, () => ClickHouseAsync(settings, cancel)));

    private static async Task<ServerState> OfAsync(
        string server, string? address, Func<Task<(string, IReadOnlyDictionary<string, long>)>> ask)
    {
        if (address is null) return new ServerState(server, null, false, null, Nothing, "no address: run ./scrm up, or give one");
        try
        {
            var (version, stored) = await ask();
            return new ServerState(server, address, true, version, stored, null);
        }
        catch (Exception e) when (e is StoreUnavailableException or ClickHouseException or ArgumentException)
        {
            return new ServerState(server, address, false, null, Nothing, e.Message);
        }
    }

    private static async Task<(string, IReadOnlyDictionary<string, long>)> KafkaAsync(HostSettings settings, CancellationToken cancel)
    {
        var topics = await KafkaProbe.LookAsync(settings.Kafka, TimeSpan.FromSeconds(5), cancel);
        var stored = new Dictionary<string, long> { ["topics"] = topics.Count };
        var read = topics.Where(t => t.Lag is not null).ToList();
        if (read.Count > 0) stored["lag"] = read.Sum(t => t.Lag!.Value);
        return ($"librdkafka {KafkaProbe.ClientVersion}", stored);
    }

    private static async Task<(string, IReadOnlyDictionary<string, long>)> RedisAsync(HostSettings settings, CancellationToken cancel)
    {
        var version = await RedisProbe.VersionAsync(settings.Redis, cancel);
        var totals = await RedisProbe.CountAsync(settings.Redis, cancel);
        return (version, new Dictionary<string, long>
        {
            ["identifiers"] = totals.Identifiers, ["customers"] = totals.Customers, ["tags"] = totals.Tags,
        });
    }

    private static async Task<(string, IReadOnlyDictionary<string, long>)> ClickHouseAsync(HostSettings settings, CancellationToken cancel)
    {
        settings.ClickHouse.ReachTimeoutMs = Math.Min(settings.ClickHouse.ReachTimeoutMs, 3_000);
        var state = await ClickHouseProbe.LookAsync(settings.ClickHouse, cancel);
        return (state.Version, state.Tables);
    }
}
