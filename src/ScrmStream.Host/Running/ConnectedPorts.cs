using Microsoft.Extensions.Logging;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Commands;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Reload;
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

    /// <summary>The rules to run: those in force, which are the file's where one was given.</summary>
    public RuleSet Rules { get; private set; } = RuleSet.Empty;

    /// <summary>The same as the store has them; null on a cluster, where the rules of the start stay to the end.</summary>
    public RulesInForce? InForce { get; private set; }

    /// <summary>Puts other rules in force; null on a cluster.</summary>
    public RulePublisher? Publisher { get; private set; }

    internal RedisConnection Redis { get; private set; } = null!;
    internal ClickHouseClient ClickHouse { get; private set; } = null!;

    /// <summary>What weakens the guarantee: settings of Redis that lose acknowledged writes.</summary>
    public IReadOnlyList<RedisFinding> Findings { get; private set; } = [];

    /// <summary>Connects to all three. Stores come before Kafka, so that a group is only joined by a process that can work.</summary>
    /// <exception cref="StoreUnavailableException">A server has no address or does not answer; the message has the fix.</exception>
    /// <exception cref="RuleFileException">The rules are not right.</exception>
    /// <param name="rules">What is to be run, which is put in force; null: what is in force.</param>
    public static async Task<ConnectedPorts> OpenAsync(
        HostSettings settings, RuleText? rules, ILoggerFactory logs, CancellationToken cancel)
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

    private async Task ConnectAsync(HostSettings settings, RuleText? rules, ILoggerFactory logs, CancellationToken cancel)
    {
        // Before anything is touched: a file that is not right is refused.
        Rules = rules is null ? RuleSet.Empty : RuleSet.Parse(rules.Text, rules.File);
        var redis = Keep(await RedisConnection.OpenAsync(settings.Redis, logs.CreateLogger("Redis"), TimeProvider.System, cancel));
        Findings = await new RedisServerCheck(redis).RunAsync(cancel);
        var clickHouse = new ClickHouseClient(settings.ClickHouse, TimeProvider.System, logs.CreateLogger("ClickHouse"));
        KeepClosing(clickHouse);
        (Redis, ClickHouse) = (redis, clickHouse);
        var sink = await ClickHouseSink.OpenAsync(clickHouse, cancel, logs.CreateLogger("ClickHouse"));
        // Verdicts of this process hold over all that are stored, also when Redis has forgotten how many writers there were.
        await redis.Epoch.ClaimAsync(cancel, above: await sink.GreatestEpochAsync(cancel));
        // Beside each other, for each waits for answers: what a process needs at start is what its group waits for after a crash.
        KafkaDeadLetterSink deadLetters = null!;
        KafkaIdentityChangeSink? identityChanges = null;
        await Task.WhenAll(OpenDeadLettersAsync(), OpenIdentityChangesAsync());
        var analytics = new AnnouncedChanges(sink.SettingAside(deadLetters));
        KeepClosing(analytics);
        // The broker answers: a process that cannot start puts no rules in force.
        await Task.WhenAll(analytics.OpenAsync(settings.Kafka), TakeRulesAsync(rules, redis, clickHouse, cancel));
        var source = Keep(await KafkaEventSource.OpenAsync(settings.Kafka, TimeProvider.System, logs.CreateLogger("Kafka")));
        Ports = new PipelinePorts(
            source, new RedisCellStore(redis), new RedisViewStore(redis), analytics, deadLetters, identityChanges,
            RunSchemas.Connect(settings, logs, KeepClosing), new RedisTimerStore(redis), Publisher?.Store,
            new StoredHistory(clickHouse).ReadAsync, new RedisTurnStore(redis), new StoredRowTable(clickHouse).FindAsync);

        async Task OpenDeadLettersAsync() =>
            KeepClosing(deadLetters = await KafkaDeadLetterSink.OpenAsync(settings.Kafka, logs.CreateLogger("Kafka")));

        async Task OpenIdentityChangesAsync()
        {
            if (settings.Kafka.IdentityChangesTopic.Length > 0)
                KeepClosing(identityChanges = await KafkaIdentityChangeSink.OpenAsync(settings.Kafka));
        }
    }

    // On a cluster no step can change rules and end the writes of others at once: there they are those of the start.
    private async Task TakeRulesAsync(RuleText? rules, RedisConnection redis, ClickHouseClient clickHouse, CancellationToken cancel)
    {
        if (redis.IsCluster)
        {
            await PipelineTable.WriteAsync(
                clickHouse, Rules.Pipelines, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), cancel);
            return;
        }
        Publisher = new RulePublisher(redis, clickHouse, TimeProvider.System);
        InForce = await Publisher.TakeAsync(rules, cancel);
        Rules = RuleSet.Parse(InForce.Text, InForce.File);
    }

    private T Keep<T>(T part) where T : IAsyncDisposable
    {
        _open.Add(part);
        return part;
    }

    private void KeepClosing(IDisposable part)
    {
        lock (_open) _open.Add(new Closing(part));
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
