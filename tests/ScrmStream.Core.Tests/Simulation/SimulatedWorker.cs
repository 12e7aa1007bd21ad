using ScrmStream.Diagnostics;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Reload;
using ScrmStream.Rules;
using ScrmStream.TestKit.Simulation;

namespace ScrmStream.Tests.Simulation;

/// <summary>One <c>run</c> in a simulated world: the real pipeline between simulated servers.</summary>
internal sealed class SimulatedWorker(
    SimulatedProcess process, SimulatedKafka kafka, SimulatedWork work, SimulatedRedisClient redis, SimulatedClickHouse sinks,
    SimulatedHistory history, ulong stamp)
{
    private readonly CancellationTokenSource _stop = new();
    private Task _main = Task.CompletedTask;
    private StreamPipeline? _pipeline;

    public SimulatedProcess Process => process;

    /// <summary>It ended with an error.</summary>
    public bool HasGivenUp { get; private set; }

    /// <summary>Null until it has joined the group.</summary>
    public SimulatedConsumer? Consumer { get; private set; }

    public bool IsOver => _main.IsCompleted || HasGivenUp;

    public long Conflicts => _pipeline is null ? 0 : _pipeline.Counters.Conflicts + _pipeline.Counters.Refusals;

    /// <summary>What its stages took, passed on and have; null before it runs.</summary>
    public StageBooks? Books => _pipeline?.Counters.Books;

    /// <param name="around">Puts something between the group and the pipeline.</param>
    /// <param name="ended">Told when it has ended by itself.</param>
    /// <param name="failures">Where it is to fail.</param>
    public void Start(Func<IEventSource, IEventSource> around, Action ended, FailpointPlan failures) => _main = process.Start(async () =>
    {
        Failpoints.Plan = failures;
        await redis.ClaimAsync();
        Consumer = new SimulatedConsumer(kafka, process, kafka.World.Between(50, 4_000));
        var ports = new PipelinePorts(around(Consumer), redis, redis, sinks, sinks, Timers: work.HasTime ? redis : null, Turns: redis,
            StoredRows: sinks.FindAsync);
        var (rules, inForce) = (work.Rules, default(RulesInForce));
        if (work.Before.Count > 0)
        {
            inForce = await redis.ReadAsync(CancellationToken.None);
            rules = RuleSet.Parse(inForce!.Text, inForce.File);
            await redis.TakeAsync(inForce.Number, CancellationToken.None);
            ports = ports with { Rules = redis, History = history.ReadAsync };
        }
        _pipeline = new StreamPipeline(
            OptionsOf(kafka.World), rules, ports, stamp, process.Time, endsWhenIdle: true, scheduler: process, inForce: inForce);
        try
        {
            await _pipeline.RunAsync(_stop.Token);
        }
        catch (TimeoutException)
        {
            // A stop that took too long, while a server was away: what was not flushed is read again.
        }
        catch (StoreUnavailableException)
        {
            // Exit code 3: whoever watches over it starts another one.
            await Consumer.DisposeAsync();
            HasGivenUp = true;
            process.Kill();
        }
        if (!HasGivenUp) await Consumer.DisposeAsync();
        ended();
    });

    /// <summary>SIGTERM.</summary>
    public void Stop() => process.Start(() =>
    {
        _stop.Cancel();
        return Task.CompletedTask;
    });

    /// <summary>It ends with everything concluded as of the greatest time met.</summary>
    public void End() => process.Start(() =>
    {
        _pipeline?.EndAtMaximum();
        _stop.Cancel();
        return Task.CompletedTask;
    });

    /// <exception cref="SimulationException">The process ended with an error.</exception>
    public void ThrowIfFailed(int seed)
    {
        if (_main.IsFaulted) throw new SimulationException($"seed {seed}: process {process.Number} failed: {_main.Exception.InnerException}");
    }

    public override string ToString() =>
        $"{Consumer} polled {_pipeline?.Counters.PolledRecords} durable {_pipeline?.Counters.DurableRecords} open {_pipeline?.Counters.OpenEvents}"
        + $" starts over {_pipeline?.Counters.StartsOver} conflicts {Conflicts} {(IsOver ? "over" : "running")}";

    private PipelineOptions OptionsOf(SimulatedWorld world)
    {
        var random = world.Random;
        return new PipelineOptions
        {
            BatchRecordsMax = 16, BatchesInFlightMax = random.Next(8, 12), FlushEventsMax = random.Next(1, 40),
            PrefetchBatches = random.Next(1, 4), DecodeLanes = random.Next(1, 3), InsertBatches = random.Next(1, 4),
            Identity = work.Identity, FlushInterval = world.Between(1, 300), FlushIntervalUnderBacklog = world.Between(1, 2_000),
            EventIdRing = work.EventIdRing, PollTimeout = world.Between(10, 100),
        };
    }
}
