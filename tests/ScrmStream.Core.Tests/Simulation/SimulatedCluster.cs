using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Pipeline.Reload;
using ScrmStream.TestKit;
using ScrmStream.TestKit.Simulation;

namespace ScrmStream.Tests.Simulation;

/// <summary>
/// Up to three processes of one group over one Redis, one ClickHouse and one dead-letter topic. While the records come, processes are
/// killed, frozen and stopped, partitions dealt anew, servers taken away, and calls lost, cut, delayed and repeated, all as the seed
/// says. Then everything heals, the group comes to the end of the topic, and the stores must hold what the slow model says.
/// </summary>
internal sealed class SimulatedCluster
{
    private const int FaultsMax = 8;
    private static readonly TimeSpan Session = TimeSpan.FromSeconds(3), HealsWithin = TimeSpan.FromMinutes(10);

    private readonly SimulatedWork _work;
    private readonly KnownBug _bug;
    private readonly SimulatedRedis _redis;
    private readonly SimulatedServer _clickHouse, _topic;
    private readonly MemoryAnalytics _letters = new();
    private readonly SimulatedKafka _kafka;
    private readonly SimulatedWorker?[] _workers;
    private readonly TimeSpan _arriveWithin;
    private readonly long[] _stored;
    private readonly SimulatedOperator _operator;
    private int _started, _starting, _killsLeft;
    private bool _isEnding;
    private string? _broken;

    public SimulatedCluster(int seed, SimulatedWork work, KnownBug bug = KnownBug.None, SimulatedFailure? failure = null)
    {
        (_work, _bug, World, Failure) = (work, bug, new SimulatedWorld(seed), failure ?? SimulatedFailure.None);
        var random = World.Random;
        _arriveWithin = World.Between(10, 6_000);
        _clickHouse = new SimulatedServer(World, "clickhouse", NetworkFaults.Of(random));
        _topic = new SimulatedServer(World, "topic", NetworkFaults.Of(random));
        _redis = new SimulatedRedis(
            World, NetworkFaults.Of(random), new SimulatedProcess(World, 0).Time, isCluster: random.Next(3) == 0 && work.Before.Count == 0, bug.InRedis());
        _kafka = new SimulatedKafka(World, work.Partitions, _arriveWithin, Session) { OnCommit = NoteCommit };
        _operator = new SimulatedOperator(_redis);
        _workers = new SimulatedWorker?[random.Next(1, 4)];
        _stored = new long[work.Partitions.Length];
        _killsLeft = random.Next(5);
        foreach (var server in new[] { _redis.Server, _clickHouse, _topic }) server.OnSend = KillNowAndThen;
        if (seed % 4 == 2) PlanCutOff(new Random(seed));
        if (work.Before.Count > 0) ChangeRules();
    }

    public SimulatedWorld World { get; }
    public MemoryViewStore Views => _redis.Views;
    public MemoryAnalytics Tables { get; } = new();

    /// <summary>Which failpoint fails when, and what came of it.</summary>
    public SimulatedFailure Failure { get; }

    /// <summary>Processes that were killed.</summary>
    public int Kills { get; private set; }

    /// <summary>Processes that were frozen for a while.</summary>
    public int Freezes { get; private set; }

    /// <summary>Calls that went without an answer.</summary>
    public int Unanswered => _redis.Server.Unanswered + _clickHouse.Unanswered + _topic.Unanswered;

    /// <summary>Flushes done again because another process was faster, of the processes that came to their end.</summary>
    public long Conflicts { get; private set; }

    /// <summary>Runs the world to its end and compares.</summary>
    /// <exception cref="SimulationException">It lost something, or came to no end.</exception>
    public void Run()
    {
        for (var slot = 0; slot < _workers.Length; slot++) StartLater(slot, World.Between(0, slot * 2_000));
        for (var faults = World.Random.Next(FaultsMax); faults > 0; faults--) World.After(World.Between(0, _arriveWithin.TotalMilliseconds + 2_000), Break);
        var end = _arriveWithin + World.Between(500, 5_000);
        RunUntil(() => World.Now >= end, end + HealsWithin, "the time of faults is over");
        Heal();
        var settled = World.Now + TimeSpan.FromSeconds(5); // what is under way arrives
        RunUntil(() => World.Now >= settled && _kafka.IsDone, HealsWithin, "everything is read and committed");
        if (_work.Before.Count > 0) RunUntil(HaveFollowed, HealsWithin, "all customers have followed the last rules");
        _isEnding = true;
        foreach (var worker in _workers) worker?.End();
        RunUntil(() => _starting == 0 && _workers.All(w => w is null || w.IsOver), HealsWithin, "all processes have ended");
        foreach (var worker in _workers) Conflicts += worker?.Conflicts ?? 0;
        Assert.All(_workers, worker => Assert.Equal(0, worker?.Books?.Look().PendingRecords ?? 0));
        if (_bug is KnownBug.None) Assert.Equal(Tables.DeadLetters.Keys.Order(), _letters.DeadLetters.Keys.Order());
        else if (Tables.DeadLetters.Count != _letters.DeadLetters.Count) throw new SimulationException("the topic of dead letters lacks some");
        _work.Check(this);
    }

    /// <summary>Of the last rules: shards that lack events.</summary>
    public long ShardsLeft { get; private set; }

    // Someone outside the group puts the rules in force, one after the other.
    private void ChangeRules()
    {
        Publish(_work.Before[0]);
        string[] changes = [.. _work.Before.Skip(1), _work.Text];
        var times = changes.Select(_ => World.Between(0, _arriveWithin.TotalMilliseconds + 3_000)).Order().ToArray();
        for (var i = 0; i < changes.Length; i++)
        {
            var text = changes[i];
            World.After(times[i], () => Publish(text));
        }
    }

    private void Publish(string text)
    {
        var publication = new RulePublication("rules.yaml", text, EventsStored: 0, NowMs: 0);
        var rules = publication.PublishAsync(_operator, CancellationToken.None);
        Assert.True(rules.IsCompletedSuccessfully);
    }

    private bool HaveFollowed()
    {
        var rules = _redis.Rules.ReadAsync(CancellationToken.None).Result!;
        ShardsLeft = rules.Left;
        if (rules.Left > 0 && _work.Gone is null) throw new SimulationException($"seed {World.Seed}: {rules.Left} shards lack events");
        return rules.IsSwept && rules.Fingerprint == _work.Rules.Fingerprint;
    }

    private void RunUntil(Func<bool> until, TimeSpan within, string what)
    {
        World.Run(() =>
        {
            if (_broken is not null) throw new SimulationException($"seed {World.Seed}: {_broken}");
            foreach (var worker in _workers) worker?.ThrowIfFailed(World.Seed);
            BalanceBooks();
            return until();
        }, within, () => $"{what}\n{_kafka}\n{string.Join('\n', _workers.Select(w => w?.ToString() ?? "nobody"))}");
    }

    // After every step of anybody, whatever has been killed, refused or taken back.
    private void BalanceBooks()
    {
        foreach (var worker in _workers)
        {
            if (worker?.Books is not { } books || books.Look() is not { Difference: not 0 } page) continue;
            throw new SimulationException($"seed {World.Seed}: the books of process {worker.Process.Number} do not balance: {page}");
        }
    }

    private void Heal()
    {
        World.IsCalm = true;
        _killsLeft = 0;
        foreach (var server in new[] { _redis.Server, _clickHouse, _topic }) (server.IsUp, server.CutOff) = (true, null);
        foreach (var worker in _workers) worker?.Process.Wake();
    }

    // Once the end has begun, one is started only for one that did not come to its own: perhaps nobody else concludes what is left.
    private void StartLater(int slot, TimeSpan wait, bool hasEndedInOrder = false)
    {
        _starting++;
        World.After(wait, () =>
        {
            _starting--;
            if (_isEnding && hasEndedInOrder) return;
            Start(slot);
            if (_isEnding) World.After(TimeSpan.FromSeconds(5), () => _workers[slot]?.End());
        });
    }

    private void Start(int slot)
    {
        var process = new SimulatedProcess(World, ++_started);
        var redis = new SimulatedRedisClient(_redis, process, stamp: (ulong)_started * 2 + 1);
        var sinks = new SimulatedClickHouse(_clickHouse, Tables, _topic, _letters, process, _bug.InClickHouse());
        var history = new SimulatedHistory(_clickHouse, Tables, _work.Partitions, _work.Identity, process, _work.Gone);
        var worker = _workers[slot] = new SimulatedWorker(process, _kafka, _work, redis, sinks, history, stamp: (ulong)_started * 2 + 1);
        worker.Start(
            source => _bug.Around(source, _redis.Cells, _work), Ended, new SimulatedFailures(World, process, Failure, () => Kill(slot)));

        void Ended()
        {
            if (!_isEnding || worker.HasGivenUp) StartLater(slot, World.Between(50, 3_000), hasEndedInOrder: !worker.HasGivenUp);
        }
    }

    // One thing goes wrong.
    private void Break()
    {
        if (World.IsCalm) return;
        var slot = World.Random.Next(_workers.Length);
        var worker = _workers[slot];
        switch (World.Random.Next(7))
        {
            case 0: Kill(slot); break;
            case 1 or 2: Freeze(worker); break;
            case 3: worker?.Stop(); break;
            case 4: _kafka.Rebalance(); break;
            default: TakeAway(World.Random.Next(3) switch { 0 => _redis.Server, 1 => _clickHouse, _ => _topic }); break;
        }
    }

    private void Kill(int slot)
    {
        if (_workers[slot] is not { IsOver: false } worker) return;
        Kills++;
        worker.Process.Kill();
        if (worker.Consumer is { } member) _kafka.NoteSilence(member);
        _workers[slot] = null;
        StartLater(slot, World.Between(50, 5_000));
    }

    private void Freeze(SimulatedWorker? worker)
    {
        if (worker is not { IsOver: false, Process.IsAwake: true }) return;
        Freezes++;
        worker.Process.Freeze();
        if (worker.Consumer is { } member) _kafka.NoteSilence(member);
        World.After(World.Between(100, 12_000), worker.Process.Wake);
    }

    private void TakeAway(SimulatedServer server)
    {
        server.IsUp = false;
        World.After(World.Between(10, 6_000), () => server.IsUp = true);
    }

    // When it is about to publish, one process is without Redis for a while, and another one starts meanwhile and believes to be alone.
    private void PlanCutOff(Random random)
    {
        var left = random.Next(1, 4);
        var (killAfter, endAfter) = (random.Next(0, 300), random.Next(3_000, 15_000));
        _redis.OnPublish = process =>
        {
            if (--left != 0 || World.IsCalm) return;
            _redis.Server.CutOff = process;
            var other = Array.FindIndex(_workers, w => w is not null && w.Process != process);
            if (other >= 0) World.After(TimeSpan.FromMilliseconds(killAfter), () => Kill(other));
            World.After(TimeSpan.FromMilliseconds(endAfter), () => _redis.Server.CutOff = null);
        };
    }

    private void KillNowAndThen(SimulatedProcess process)
    {
        if (_killsLeft == 0 || World.Random.Next(60) > 0) return;
        _killsLeft--;
        var slot = Array.FindIndex(_workers, w => w?.Process == process);
        if (slot >= 0) Kill(slot);
    }

    // What is committed is stored: nobody would ever read it again.
    private void NoteCommit(int partition, long offset)
    {
        for (; _stored[partition] < offset; _stored[partition]++)
            if (!Tables.Has(_kafka.Partitions[partition].Id, _stored[partition]))
                _broken ??= $"partition {partition} was committed up to {offset}, and there is no row of {_stored[partition]}";
    }
}
