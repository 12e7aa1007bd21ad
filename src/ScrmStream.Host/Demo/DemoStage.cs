using Microsoft.Extensions.Logging;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Running;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.Host.Demo;

/// <summary>
/// The service and its readers on some servers, as a demo needs them: a pipeline that runs meanwhile, a publisher that never runs far
/// ahead of it, and readers of what it wrote.
/// </summary>
public sealed class DemoStage : IAsyncDisposable
{
    // The embedded Kafka drops its oldest records silently beyond 5 MB a partition, so the publisher waits for the pipeline.
    private const int RecordsAheadMax = 40_000;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private readonly ConnectedPorts _connected;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private readonly TimeProvider _time;
    private readonly RedisConnection _redis;
    private long _published;

    private DemoStage(
        ConnectedPorts connected, RedisConnection redis, KafkaPublisher publisher, HostSettings settings, RuleSet rules, TimeProvider time)
    {
        _connected = connected;
        _redis = redis;
        _time = time;
        Publisher = publisher;
        Settings = settings;
        Rules = rules;
        ClickHouse = new ClickHouseClient(settings.ClickHouse);
        Customers = new CustomerReader(redis, ClickHouse, rules, settings.Pipeline.Identity.KindTable());
        Leads = new RedisReader(redis);
        Pipeline = new StreamPipeline(
            settings.Pipeline, rules, connected.Ports, WriterStamp.New(), time, endsWhenIdle: true, inForce: connected.InForce);
        _running = Pipeline.RunAsync(_stop.Token);
    }

    public HostSettings Settings { get; }
    public RuleSet Rules { get; }
    public StreamPipeline Pipeline { get; }
    public ClickHouseClient ClickHouse { get; }
    public CustomerReader Customers { get; }
    public RedisReader Leads { get; }
    public IViewStore Views => _connected.Ports.Views;
    private KafkaPublisher Publisher { get; }
    private string Topic => Settings.Kafka.Topics[0];

    public static async Task<DemoStage> OpenAsync(
        HostSettings settings, RuleText file, ILoggerFactory logs, TimeProvider time, CancellationToken cancel)
    {
        var publisher = await KafkaPublisher.OpenAsync(settings.Kafka);
        await publisher.CreateMissingAsync(settings.Kafka.Topics[0]);
        var connected = await ConnectedPorts.OpenAsync(settings, file, logs, cancel);
        var redis = await RedisConnection.OpenAsync(settings.Redis, logs.CreateLogger("Redis"), time, cancel);
        return new DemoStage(connected, redis, publisher, settings, connected.Rules, time);
    }

    public async Task PublishAsync(Generation.GeneratedRecord record, CancellationToken cancel)
    {
        Publisher.Publish(Topic, record.Key.ToArray(), record.Value.ToArray());
        _published++;
        while (_published - Pipeline.Counters.DurableRecords > RecordsAheadMax) await WaitAsync(cancel);
    }

    /// <summary>Returns when everything published is durable in both stores.</summary>
    public async Task DrainAsync(CancellationToken cancel)
    {
        Publisher.Flush(cancel);
        while (Pipeline.Counters.DurableRecords < _published) await WaitAsync(cancel);
    }

    /// <summary>The story is told: the service ends as of its last moment, and what was published stays to be read.</summary>
    public async Task EndAsync()
    {
        Pipeline.EndAtMaximum();
        await _stop.CancelAsync();
        await _running;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Publisher.Dispose();
        ClickHouse.Dispose();
        await _redis.DisposeAsync();
        await _connected.DisposeAsync();
        _stop.Dispose();
    }

    private async Task WaitAsync(CancellationToken cancel)
    {
        if (_running.IsCompleted) await _running;
        await Task.Delay(Look, _time, cancel);
    }
}
