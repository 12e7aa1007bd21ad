using Microsoft.Extensions.Logging;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Commands;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.Host.Running;

/// <summary>The real servers of one run, connected and checked: Kafka, Redis, ClickHouse.</summary>
public sealed class ConnectedPorts : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _open = [];

    private ConnectedPorts()
    {
    }

    public PipelinePorts Ports { get; private set; } = null!;

    internal RedisConnection Redis { get; private set; } = null!;
    internal ClickHouseClient ClickHouse { get; private set; } = null!;

    /// <summary>What weakens the guarantee: settings of Redis that lose acknowledged writes.</summary>
    public IReadOnlyList<RedisFinding> Findings { get; private set; } = [];

    /// <summary>Connects to all three. Stores come before Kafka, so that a group is only joined by a process that can work.</summary>
    /// <exception cref="StoreUnavailableException">A server has no address or does not answer; the message has the fix.</exception>
    /// <param name="rules">What is run; analysts are told of its pipelines.</param>
    public static async Task<ConnectedPorts> OpenAsync(
        HostSettings settings, RuleSet rules, ILoggerFactory logs, CancellationToken cancel)
    {
        if (!settings.HasKafka) throw Exits.NoAddress("Kafka", "--kafka");
        if (!settings.HasRedis) throw Exits.NoAddress("Redis", "--redis");
        if (!settings.HasClickHouse) throw Exits.NoAddress("ClickHouse", "--clickhouse http://");
        var connected = new ConnectedPorts();
        try
        {
            await connected.ConnectAsync(settings, rules, logs, cancel);
            return connected;
        }
        catch
        {
            await connected.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        for (var i = _open.Count - 1; i >= 0; i--) await _open[i].DisposeAsync();
        _open.Clear();
    }

    private async Task ConnectAsync(HostSettings settings, RuleSet rules, ILoggerFactory logs, CancellationToken cancel)
    {
        var redis = Keep(await RedisConnection.OpenAsync(settings.Redis, logs.CreateLogger("Redis"), TimeProvider.System, cancel));
        Findings = await new RedisServerCheck(redis).RunAsync(cancel);
        var clickHouse = new ClickHouseClient(settings.ClickHouse, TimeProvider.System, logs.CreateLogger("ClickHouse"));
        _open.Add(new Closing(clickHouse));
        (Redis, ClickHouse) = (redis, clickHouse);
        var sink = await ClickHouseSink.OpenAsync(clickHouse, cancel, logs.CreateLogger("ClickHouse"));
        // Verdicts of this process hold over all that are stored, also when Redis has forgotten how many writers there were.
        await redis.Epoch.ClaimAsync(cancel, above: await sink.GreatestEpochAsync(cancel));
        var deadLetters = await KafkaDeadLetterSink.OpenAsync(settings.Kafka, logs.CreateLogger("Kafka"));
        _open.Add(new Closing(deadLetters));
        KafkaIdentityChangeSink? identityChanges = null;
        if (settings.Kafka.IdentityChangesTopic.Length > 0)
            _open.Add(new Closing(identityChanges = await KafkaIdentityChangeSink.OpenAsync(settings.Kafka)));
        await PipelineTable.WriteAsync(clickHouse, rules.Pipelines, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), cancel);
        var analytics = new AnnouncedChanges(sink);
        _open.Add(new Closing(analytics));
        await analytics.OpenAsync(settings.Kafka);
        var source = Keep(await KafkaEventSource.OpenAsync(settings.Kafka, TimeProvider.System, logs.CreateLogger("Kafka")));
        Ports = new PipelinePorts(
            source, new RedisCellStore(redis), new RedisViewStore(redis), analytics, deadLetters, identityChanges,
            RunSchemas.Connect(settings, logs, part => _open.Add(new Closing(part))), new RedisTimerStore(redis));
    }

    private T Keep<T>(T part) where T : IAsyncDisposable
    {
        _open.Add(part);
        return part;
    }

    private sealed class Closing(IDisposable part) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            part.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
