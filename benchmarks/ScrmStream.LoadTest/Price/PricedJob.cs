using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Rebuilding;
using ScrmStream.Host.Running;
using ScrmStream.Host.Settings;
using ScrmStream.Pipeline;
using ScrmStream.Redis;

namespace ScrmStream.LoadTest.Price;

/// <summary>
/// The pipeline between the ports of <c>run</c>; in place of those that give a guarantee which it is to go without stand others.
/// </summary>
internal sealed class PricedJob : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _open = [];
    private PlainRedis? _plain;
    private HastyWrites? _hasty;

    public ConnectedPorts Connected { get; private set; } = null!;

    public StreamPipeline Pipeline { get; private set; } = null!;

    /// <param name="kept">The guarantees that it gives.</param>
    /// <param name="through">What stands before the tables of the analysts; null: nothing.</param>
    public static async Task<PricedJob> OpenAsync(
        HostSettings settings, RuleText rules, Guarantees kept, CancellationToken cancel,
        Func<IAnalyticsSink, IAnalyticsSink>? through = null)
    {
        var job = new PricedJob();
        try
        {
            var ports = await job.ConnectAsync(settings, rules, kept, cancel);
            if (through is not null) ports = ports with { Analytics = through(ports.Analytics) };
            job.Pipeline = new StreamPipeline(
                settings.Pipeline, job.Connected.Rules, ports, WriterStamp.New(), TimeProvider.System, endsWhenIdle: true,
                inForce: job.Connected.InForce);
            return job;
        }
        catch
        {
            await job.DisposeAsync();
            throw;
        }
    }

    /// <summary>Another process appears before this one begins: from now on cells and views are compared when they are written.</summary>
    public async Task ShareAsync(HostSettings settings, CancellationToken cancel)
    {
        var other = Keep(await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel));
        await other.Epoch.AdoptAsync(cancel);
        await Connected.Redis.Epoch.AdoptAsync(cancel);
        if (Connected.Redis.Epoch.IsSole) throw new InvalidOperationException("The process still writes alone.");
    }

    /// <summary>Reads so many records; how long it took from the first poll that gave some until all stores had everything.</summary>
    public async Task<TimeSpan> RunAsync(int records, CancellationToken cancel)
    {
        var (start, elapsed) = (0L, TimeSpan.Zero);
        await RunAsync(records, () => start = Stopwatch.GetTimestamp(), () => elapsed = Stopwatch.GetElapsedTime(start), cancel);
        return elapsed;
    }

    /// <summary>The same; the caller is told when it begins and when it has ended.</summary>
    public Task RunAsync(int records, Action begun, Action ended, CancellationToken cancel)
    {
        return TopicDrain.RunAsync(Pipeline, records, begun, EndedAsync, cancel);

        async Task EndedAsync()
        {
            if (_plain is not null) await _plain.DrainAsync(cancel);
            if (_hasty is not null) await _hasty.DrainAsync(cancel);
            ended();
        }
    }

    public async ValueTask DisposeAsync()
    {
        for (var i = _open.Count - 1; i >= 0; i--) await _open[i].DisposeAsync();
        _hasty?.Dispose();
    }

    private async Task<PipelinePorts> ConnectAsync(HostSettings settings, RuleText rules, Guarantees kept, CancellationToken cancel)
    {
        if (!kept.HasFlag(Guarantees.Blocks))
            using (var client = new ClickHouseClient(settings.ClickHouse)) await PlainTables.CreateAsync(client, cancel);
        Connected = Keep(await ConnectedPorts.OpenAsync(settings, rules, NullLoggerFactory.Instance, cancel));
        var rollback = Keep(new RollbackWatch(Connected.Redis, Connected.ClickHouse, TimeProvider.System));
        await rollback.CheckAsync(cancel);
        rollback.Start(static () => { });
        var ports = Connected.Ports;
        var waits = kept.HasFlag(Guarantees.Order);
        if (!kept.HasFlag(Guarantees.Epoch))
        {
            _plain = Keep(await PlainRedis.ConnectAsync(settings.Redis.Address, cancel));
            var reader = Keep(await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel));
            ports = ports with
            {
                Cells = new PlainCellStore(_plain, Connected.Redis, reader, waits),
                Views = new PlainViewStore(_plain, Connected.Redis, waits),
            };
        }
        if (!kept.HasFlag(Guarantees.Blocks)) ports = ports with { Analytics = await OpenPlainTablesAsync(settings) };
        if (waits) return ports;
        _hasty = new HastyWrites();
        return ports with
        {
            Analytics = new HastyAnalytics(ports.Analytics, _hasty),
            IdentityChanges = new HastyIdentityChanges(ports.IdentityChanges!, _hasty),
        };
    }

    private async Task<IAnalyticsSink> OpenPlainTablesAsync(HostSettings settings)
    {
        var tables = new PlainTables(settings.ClickHouse);
        _open.Add(new Closing(tables));
        var analytics = new AnnouncedChanges(tables.Sink);
        _open.Add(new Closing(analytics));
        await analytics.OpenAsync(settings.Kafka);
        return analytics;
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
