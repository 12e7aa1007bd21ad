using System.Diagnostics;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Running;
using ScrmStream.Redis.Embedded;

namespace ScrmStream.LoadTest.Price;

/// <summary>One run of one variant.</summary>
/// <param name="Wrong">What it stored other than it should, in words; empty when all is right.</param>
internal sealed record PricedRun(
    TimeSpan Elapsed, double EventsPerSecond, TimeSpan Own, TimeSpan Redis, TimeSpan ClickHouse, string Sample, IReadOnlyList<string> Wrong)
{
    public TimeSpan ProcessorTime => Own + Redis + ClickHouse;
}

/// <summary>The job with all guarantees and without some, one run after the other over the same events.</summary>
internal sealed record PricePair(PricedRun Guarded, PricedRun Bare)
{
    /// <summary>Of the throughput without them, what is left with them.</summary>
    public double Ratio => Guarded.EventsPerSecond / Bare.EventsPerSecond;
}

/// <summary>
/// Publishes the reference topic and runs the job over it in turns, A B B A and so on, each time on an empty Redis and an empty database.
/// </summary>
internal sealed class PriceRun(PriceOptions options, string ruleFile, Action<string> say)
{
    // A broker that was given may have topics and groups of other runs.
    private readonly string _name = $"price{Guid.NewGuid():N}"[..13];
    // The topic of the same events without event_ids.
    private const string NoIds = "-no-ids";

    private readonly Guarantees _kept = Guarantees.All & ~options.Off;
    private readonly RuleText _rules = RuleText.Read(ruleFile);
    private PriceServers _servers = null!;

    public async Task<(ReferenceTruth Truth, IReadOnlyList<PricePair> Pairs)> RunAsync(CancellationToken cancel)
    {
        var truth = ReferenceTruth.Of(options.Events, options.PeopleOrDefault, options.Seed);
        await using var servers = _servers = await PriceServers.StartAsync(options.Kafka, options.Program, cancel);
        if (options.WarmUpEvents > 0) await WarmUpAsync($"{_name}-warm", cancel);
        await PublishAsync(_name, options.Events);
        var pairs = new List<PricePair>();
        for (var i = 0; i < options.Pairs; i++)
        {
            var isBareFirst = i % 2 == 1;
            var first = await RunOnceAsync($"{_name}_{2 * i}", _name, isBareFirst ? _kept : Guarantees.All, truth, cancel);
            var second = await RunOnceAsync($"{_name}_{2 * i + 1}", _name, isBareFirst ? Guarantees.All : _kept, truth, cancel);
            pairs.Add(isBareFirst ? new PricePair(second, first) : new PricePair(first, second));
            var (guarded, bare) = pairs[^1];
            say($"pair {i + 1} of {options.Pairs}: {guarded.EventsPerSecond:N0} and {bare.EventsPerSecond:N0} events/s");
        }
        return (truth, pairs);
    }

    // What is compiled, and what servers do for the first time, is not to be in the first run that counts.
    private async Task WarmUpAsync(string topic, CancellationToken cancel)
    {
        await PublishAsync(topic, options.WarmUpEvents);
        var truth = ReferenceTruth.Of(options.WarmUpEvents, options.PeopleOrDefault, options.Seed);
        await RunOnceAsync($"{_name}_warm0", topic, Guarantees.All, truth, cancel);
        await RunOnceAsync($"{_name}_warm1", topic, _kept, truth, cancel);
    }

    private async Task PublishAsync(string topic, int events)
    {
        string[] suffixes = _kept.HasFlag(Guarantees.Repeats) ? [""] : ["", NoIds];
        foreach (var suffix in suffixes)
        {
            var hasIds = suffix.Length == 0;
            await ReferenceTopic.PublishAsync(_servers.Kafka, topic + suffix, events, options.PeopleOrDefault, options.Seed, hasIds);
            say($"{events:N0} events published{(hasIds ? "" : " without event_ids")}");
        }
    }

    private async Task<PricedRun> RunOnceAsync(string name, string topic, Guarantees kept, ReferenceTruth truth, CancellationToken cancel)
    {
        await using var redis = await _servers.StartRedisAsync(name, kept.HasFlag(Guarantees.Log), cancel);
        var settings = _servers.Settings(name, redis.Address, kept.HasFlag(Guarantees.Repeats) ? topic : topic + NoIds);
        await using var job = await PricedJob.OpenAsync(settings, _rules, kept, cancel);
        if (options.IsShared && kept == Guarantees.All) await job.ShareAsync(settings, cancel);
        // The garbage of the run before is not this one's.
        GC.Collect();
        var before = ProcessorTimes(redis);
        var elapsed = await job.RunAsync((int)truth.Events, cancel);
        var after = ProcessorTimes(redis);
        var check = await PriceCheck.OfAsync(job, truth, options.PeopleOrDefault, cancel);
        await DropAsync(settings.ClickHouse, cancel);
        return new PricedRun(
            elapsed, truth.Events / elapsed.TotalSeconds, after[0] - before[0], after[1] - before[1], after[2] - before[2],
            check.Sample, check.Wrong);
    }

    private TimeSpan[] ProcessorTimes(EmbeddedRedis redis)
    {
        using var own = Process.GetCurrentProcess();
        using var other = Process.GetProcessById(redis.ProcessId);
        return [own.TotalProcessorTime, other.TotalProcessorTime, _servers.ClickHouse.ProcessorTime];
    }

    // What is left to merge must not cost the next run.
    private static async Task DropAsync(ClickHouseOptions clickHouse, CancellationToken cancel)
    {
        using var client = new ClickHouseClient(new ClickHouseOptions { Address = clickHouse.Address, Database = "default" });
        await client.CommandAsync($"DROP DATABASE {clickHouse.Database} SYNC", cancel);
    }
}
