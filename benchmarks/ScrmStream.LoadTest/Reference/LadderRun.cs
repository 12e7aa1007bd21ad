using ScrmStream.Host.Running;
using ScrmStream.LoadTest.Price;

namespace ScrmStream.LoadTest.Reference;

/// <summary>All figures of one run.</summary>
/// <param name="Own">The Redis rung again, between the peers.</param>
internal sealed record LadderResult(
    LadderTopic Topic, IReadOnlyList<Rung> Rungs, IReadOnlyList<Ceiling> Ceilings, IReadOnlyList<Rung> Own, IReadOnlyList<PeerRun> Peers,
    IReadOnlyList<Calibration> Calibration);

/// <summary>Climbs the ladder: each rung once, after a short run of each that does not count.</summary>
internal sealed class LadderRun(LadderOptions options, string ruleFile, Action<string> say)
{
    // What is compiled, and what servers do for the first time, is not to be in a run that counts.
    private const int WarmUpEvents = 20_000;

    private LadderGround _ground = null!;
    private PipelineRungs _pipelines = null!;

    public async Task<LadderResult> RunAsync(CancellationToken cancel)
    {
        await using var servers = await PriceServers.StartAsync(options.Kafka, options.Program, cancel);
        _ground = new LadderGround(options, RuleText.Read(ruleFile), servers);
        _pipelines = new PipelineRungs(_ground);
        var calibration = options.Parts.HasFlag(LadderParts.Calibration) ? await Calibration.AllAsync(_ground, cancel) : [];
        var warm = await _ground.PublishAsync(WarmUpEvents);
        _ = await ClimbAsync(warm, WarmUpEvents, _ => { }, cancel);
        var topic = await _ground.PublishAsync(options.Events);
        say($"{options.Events:N0} events published");
        var (rungs, ceilings) = await ClimbAsync(topic, options.Events, say, cancel);
        var (own, peers) = await MeetAsync(topic, cancel);
        return new LadderResult(topic, rungs, ceilings, own, peers, calibration);
    }

    private async Task<(IReadOnlyList<Rung>, IReadOnlyList<Ceiling>)> ClimbAsync(
        LadderTopic topic, int events, Action<string> report, CancellationToken cancel)
    {
        var (rungs, ceilings) = (new List<Rung>(), new List<Ceiling>());
        var withCeilings = options.Parts.HasFlag(LadderParts.Ceilings);
        foreach (var (format, isAvro) in ((string, bool)[])[("JSON", false), ("Avro", true)])
        {
            var slabs = new ReferenceRecords(events, options.PeopleOrDefault, options.Seed).Slabs(isAvro);
            Add(await MemoryRung.RunAsync($"memory, {format}", "one thread, records in memory", slabs, _ground.Rules, topic.Truth, cancel));
        }
        Add(await _pipelines.KafkaAsync(topic, cancel));
        if (withCeilings) Bound(await ConsumeCeiling.RunAsync(_ground, topic, cancel));
        await using (var redis = await _ground.StartRedisAsync(keepsLog: true, cancel))
        {
            var space = _ground.NextName();
            Add(await _pipelines.RedisAsync(topic, redis, space, cancel));
            if (withCeilings) Bound(await RedisCeiling.RunAsync(_ground, topic, redis, space, cancel));
        }
        await using (var redis = await _ground.StartRedisAsync(keepsLog: true, cancel))
            Add(await _pipelines.JobAsync(topic, redis, cancel));
        if (withCeilings) Bound(await ClickHouseCeiling.RunAsync(_ground, topic, cancel));
        return (rungs, ceilings);

        void Add(Rung rung)
        {
            rungs.Add(rung);
            report($"{rung.Name}: {rung.EventsPerSecond:N0} events/s");
        }

        void Bound(Ceiling ceiling)
        {
            ceilings.Add(ceiling);
            report($"{ceiling.Name}: {ceiling.EventsPerSecond:N0} events/s");
        }
    }

    // A B C, C B A: what disturbs the machine for a while disturbs all, and what grows over the run evens out.
    private async Task<(IReadOnlyList<Rung>, IReadOnlyList<PeerRun>)> MeetAsync(LadderTopic topic, CancellationToken cancel)
    {
        var (own, runs) = (new List<Rung>(), new List<PeerRun>());
        var peers = options.Parts.HasFlag(LadderParts.Peers) ? options.Peers ?? PeerRun.Known : [];
        if (peers.Count == 0) return (own, runs);
        await OwnAsync();
        foreach (var peer in peers) await PeerAsync(peer);
        foreach (var peer in peers.Reverse()) await PeerAsync(peer);
        await OwnAsync();
        return (own, runs);

        async Task OwnAsync()
        {
            await using var redis = await _ground.StartRedisAsync(keepsLog: true, cancel);
            own.Add(await _pipelines.RedisAsync(topic, redis, _ground.NextName(), cancel));
            say($"Redis, again: {own[^1].EventsPerSecond:N0} events/s");
        }

        async Task PeerAsync(string peer)
        {
            runs.Add(await PeerRun.RunAsync(_ground, peer, topic, cancel));
            say($"{peer}: {runs[^1].EventsPerSecond:N0} events/s");
        }
    }
}
