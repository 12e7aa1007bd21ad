using ScrmStream.Host.Running;
using ScrmStream.LoadTest.Price;

namespace ScrmStream.LoadTest.Reference;

/// <summary>All figures of one run.</summary>
/// <param name="Topic">The one of JSON.</param>
internal sealed record LadderResult(
    LadderTopic Topic, IReadOnlyList<Rung> Rungs, IReadOnlyList<Ceiling> Ceilings, IReadOnlyList<Latency> Latencies,
    IReadOnlyList<Meeting> Meetings, IReadOnlyList<Calibration> Calibration);

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
        _ = await ClimbAsync(await PublishAsync(WarmUpEvents), _ => { }, cancel);
        var topics = await PublishAsync(options.Events);
        say($"{options.Events:N0} events published, as JSON and as Avro");
        var (rungs, ceilings) = await ClimbAsync(topics, say, cancel);
        var latencies = options.Parts.HasFlag(LadderParts.Latency) ? await WaitAsync(rungs[^1], cancel) : [];
        var meetings = new List<Meeting>();
        if (options.Parts.HasFlag(LadderParts.Peers)) meetings.Add(await MeetAsync(topics[0], withRows: false, cancel));
        if (options.Parts.HasFlag(LadderParts.PeersWithRows)) meetings.Add(await MeetAsync(topics[0], withRows: true, cancel));
        return new LadderResult(topics[0], rungs, ceilings, latencies, [.. meetings.Where(m => m.Peers.Count > 0)], calibration);
    }

    private async Task<LadderTopic[]> PublishAsync(int events)
    {
        var truth = ReferenceTruth.Of(events, options.PeopleOrDefault, options.Seed);
        return [await _ground.PublishAsync(truth, asAvro: false), await _ground.PublishAsync(truth, asAvro: true)];
    }

    private async Task<(IReadOnlyList<Rung>, IReadOnlyList<Ceiling>)> ClimbAsync(
        LadderTopic[] topics, Action<string> report, CancellationToken cancel)
    {
        var (rungs, ceilings, topic) = (new List<Rung>(), new List<Ceiling>(), topics[0]);
        var withCeilings = options.Parts.HasFlag(LadderParts.Ceilings);
        foreach (var each in topics)
            foreach (var rung in await MemoryRung.RunAsync(_ground, each, cancel)) Add(rung);
        foreach (var each in topics)
        {
            Add(await _pipelines.KafkaAsync(each, cancel));
            if (withCeilings) Bound(await ConsumeCeiling.RunAsync(_ground, each, cancel));
        }
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

    private async Task<IReadOnlyList<Latency>> WaitAsync(Rung job, CancellationToken cancel)
    {
        var latencies = new List<Latency>();
        foreach (var share in (double[])[0.5, 0.8])
        {
            latencies.Add(await new LatencyRun(_ground, share, (int)(share * job.EventsPerSecond)).RunAsync(cancel));
            say($"at {share:P0} of the load: {latencies[^1].Quantile(0.99):N0} ms at most for 99 of 100 events");
        }
        return latencies;
    }

    // A B C, C B A: what disturbs the machine for a while disturbs all, and what grows over the run evens out.
    private async Task<Meeting> MeetAsync(LadderTopic topic, bool withRows, CancellationToken cancel)
    {
        var meeting = new Meeting(withRows ? "from Kafka into Redis and ClickHouse" : "from Kafka into Redis", [], []);
        var peers = options.Peers ?? PeerRun.Known;
        if (peers.Count == 0) return meeting;
        await OwnAsync();
        foreach (var peer in peers) await PeerAsync(peer);
        foreach (var peer in peers.Reverse()) await PeerAsync(peer);
        await OwnAsync();
        return meeting;

        async Task OwnAsync()
        {
            await using var redis = await _ground.StartRedisAsync(keepsLog: true, cancel);
            var rung = withRows ? await _pipelines.JobAsync(topic, redis, cancel)
                : await _pipelines.RedisAsync(topic, redis, _ground.NextName(), cancel);
            meeting.Own.Add(rung);
            say($"{rung.Name}, again: {rung.EventsPerSecond:N0} events/s");
        }

        async Task PeerAsync(string peer)
        {
            meeting.Peers.Add(await PeerRun.RunAsync(_ground, peer, topic, withRows, cancel));
            say($"{peer}: {meeting.Peers[^1].EventsPerSecond:N0} events/s");
        }
    }
}
