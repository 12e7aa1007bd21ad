using System.Diagnostics;
using System.Globalization;
using System.Text;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Generation;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.LoadTest.Chaos;

/// <summary>How a run ended.</summary>
/// <param name="Failures">Workers that ended by themselves, and how.</param>
internal sealed record ChaosResult(
    ChaosFindings Findings, ChaosTruth Truth, IReadOnlyList<FaultSeconds> Faults, IReadOnlyList<string> Failures, TimeSpan Elapsed);

/// <summary>
/// Real processes on a real broker, Redis and ClickHouse, while they are killed, frozen and restarted by seed; in the end an audit of all
/// stores. Events are published in as many slices as there are faults, and each fault comes when a part of its slice, drawn by the seed, is
/// stored.
/// </summary>
internal sealed class ChaosRun(ChaosOptions options, string ruleFile, Action<string> say)
{
    private enum Fault { Kill, Zombie, Redis, ClickHouse }

    // A slice that does not move because its partitions wait for a new owner must not hold the faults up.
    private static readonly TimeSpan ProgressMax = TimeSpan.FromSeconds(6), DrainMax = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan AwakeFor = TimeSpan.FromSeconds(3), WorkingAfter = TimeSpan.FromSeconds(3);
    // Each look is a query, and more of them would be a good part of what the engine has to do.
    private const int LookMs = 150;
    private const string EndOfAll = "no fault: all is published";

    // Longer than the group waits for a silent member.
    private readonly TimeSpan _frozenFor = TimeSpan.FromSeconds(options.SessionSeconds * 1.3);
    private readonly Random _random = new(options.Seed);
    private readonly List<ChaosWorker> _workers = [];
    private readonly List<Task> _pending = [];
    private readonly List<string> _failures = [];
    private readonly List<(byte[] Key, byte[] Value)> _records = [];
    private ChaosServers _servers = null!;
    private HostSettings _settings = null!;
    private ClickHouseClient _clickHouse = null!;
    private ChaosTopic _topic = null!;
    private ChaosRecovery _recovery = null!;
    private string _config = "";
    private long _began;

    public async Task<ChaosResult> RunAsync(CancellationToken cancel)
    {
        var watch = Stopwatch.StartNew();
        var generator = new PetShopGenerator(new PetShopOptions { Events = options.Events, Seed = options.Seed }, withTruth: false);
        _records.AddRange(generator.Records().Select((r, i) =>
            (options.IsScattered ? BitConverter.GetBytes(i) : r.Key.ToArray(), r.Value.ToArray())));
        await using var servers = _servers = await ChaosServers.StartAsync(options, cancel);
        await ConfigureAsync(cancel);
        using var clickHouse = _clickHouse = new ClickHouseClient(_settings.ClickHouse);
        using var topic = _topic = await ChaosTopic.CreateAsync(_settings.Kafka, _records);
        await using var recovery = _recovery = new ChaosRecovery(topic);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        try
        {
            await DisturbAsync(end.Token);
            var seconds = await EndAsync();
            await LogAsync(seconds);
            var (truth, findings) = await AuditAsync(end.Token);
            // What is wrong is in there; where it was meant to be, nobody asks why.
            if (servers.AreStoresKept = !findings.IsExact && !options.IsRedisForgetful) say($"the stores are kept in {servers.Folder}");
            return new ChaosResult(findings, truth, seconds, _failures, watch.Elapsed);
        }
        finally
        {
            await end.CancelAsync();
            await Task.WhenAll(_pending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var worker in _workers) worker.Dispose();
        }
    }

    private async Task ConfigureAsync(CancellationToken cancel)
    {
        // Flushes small enough to be killed between; as many event_ids as may lie between two copies in other partitions.
        _config = Path.Combine(_servers.Folder, "config.json");
        await File.WriteAllTextAsync(_config, $$"""
            {
              "Pipeline": {"FlushEventsMax": 5000, "EventIdRing": 1024}, "Kafka": {"SessionTimeoutMs": {{options.SessionSeconds * 1000}}},
              "RollbackCheck": {{(options.IsRedisForgetful ? "false" : "true")}}
            }
            """, cancel);
        var name = $"chaos{Guid.NewGuid():N}"[..16];
        var address = _servers.ClickHouse.GetLeftPart(UriPartial.Authority);
        string[] topics = [$"chaos-{Guid.NewGuid():N}"];
        _settings = HostSettings.Load(
            _config, new CommandLineValues(name, _servers.Kafka, _servers.Redis, address, ruleFile, topics[0], topics));
        _settings.Kafka.NewTopicPartitions = options.Partitions;
    }

    private async Task DisturbAsync(CancellationToken cancel)
    {
        Fault[] faults =
        [
            .. Enumerable.Repeat(Fault.Kill, options.Kills), .. Enumerable.Repeat(Fault.Zombie, options.Zombies),
            .. Enumerable.Repeat(Fault.Redis, options.Restarts), .. Enumerable.Repeat(Fault.ClickHouse, options.Restarts),
        ];
        _random.Shuffle(faults);
        for (var i = 0; i < options.Workers; i++) StartWorker($"worker-{i}");
        _began = Stopwatch.GetTimestamp();
        var slice = _records.Count / (faults.Length + 1);
        // A fault may come while the one before it lasts, and none while the one before that does.
        var ends = _topic.Beginnings();
        for (var i = 0; i < faults.Length; i++)
        {
            _topic.PublishTo((i + 1) * slice);
            await MovedAsync((i + _random.NextDouble()) * slice, ProgressMax, cancel);
            await StrikeAsync(faults[i], cancel);
            await _recovery.CommittedAsync(ends, DrainMax, cancel);
            ends = _topic.Ends();
            if ((i + 1) % 10 == 0)
                say($"{i + 1} of {faults.Length} faults, {_topic.Published} of {_records.Count} records published, "
                    + $"recovery p50, p95, longest, s: {ChaosReport.Spread(_recovery.Over.Select(f => f.Recovery))}");
        }
        _topic.PublishTo(_records.Count);
    }

    private async Task StrikeAsync(Fault fault, CancellationToken cancel)
    {
        var away = TimeSpan.FromMilliseconds(_random.Next(50, 1_500));
        await NoteFailuresAsync();
        // The frozen come back; somebody has to work meanwhile.
        while (Working < 2) await Task.Delay(100, cancel);
        _recovery.Watch(NameOf(fault));
        switch (fault)
        {
            case Fault.Kill:
                var killed = TakeWorker();
                killed.Kill();
                await Task.Delay(away / 4, cancel);
                StartWorker(killed.Name);
                break;
            case Fault.Zombie:
                var zombie = TakeWorker();
                zombie.Freeze();
                _pending.Add(WakeAsync(zombie, NewWorker(TimeSpan.FromHours(1), ""), cancel));
                break;
            case Fault.Redis:
                await _servers.RestartRedisAsync(away, _settings.Namespace, cancel);
                break;
            default:
                await _servers.RestartClickHouseAsync(away, cancel);
                break;
        }
    }

    private static string NameOf(Fault fault) => fault switch
    {
        Fault.Kill => "the kill of a process",
        Fault.Zombie => "a standstill of a process",
        Fault.Redis => "the kill of Redis",
        _ => "the kill of ClickHouse",
    };

    // It wakes up with what it had, when others have long had its partitions, and works on; its stand-in leaves.
    private async Task WakeAsync(ChaosWorker zombie, ChaosWorker standIn, CancellationToken cancel)
    {
        try
        {
            await Task.Delay(_frozenFor, cancel);
            zombie.Wake();
            await Task.Delay(AwakeFor, cancel);
            AddFailure(await standIn.EndAsync());
        }
        finally
        {
            standIn.Dispose();
            lock (_workers) _workers.Add(zombie);
        }
    }

    private void StartWorker(string name)
    {
        lock (_workers) _workers.Add(NewWorker(TimeSpan.FromHours(1), name));
    }

    // Idleness of an hour never comes, but time does not pass in silence then, so that the end is a function of the events.
    private ChaosWorker NewWorker(TimeSpan untilIdle, string name) => new(options.Program,
    [
        "run", "--kafka", _servers.Kafka, "--redis", _servers.Redis, "--clickhouse", _servers.ClickHouse.GetLeftPart(UriPartial.Authority),
        "--topics", _settings.Kafka.Topics[0], "--group", _settings.Kafka.GroupId, "--namespace", _settings.Namespace, "--rules", ruleFile,
        "--config", _config, "--until-idle", string.Create(CultureInfo.InvariantCulture, $"{untilIdle.TotalSeconds}s"), "--format", "json",
        "--health-port", "-1",
    ], name, options.LogFolder);

    private int Working
    {
        get { lock (_workers) return _workers.Count; }
    }

    private ChaosWorker TakeWorker()
    {
        // One that has hardly started holds nothing that could be lost.
        lock (_workers)
        {
            var working = _workers.FindAll(w => w.Age > WorkingAfter);
            var worker = working.Count > 0 ? working[_random.Next(working.Count)] : _workers[_random.Next(_workers.Count)];
            _workers.Remove(worker);
            return worker;
        }
    }

    private async Task NoteFailuresAsync()
    {
        List<ChaosWorker> ended;
        lock (_workers)
        {
            ended = _workers.FindAll(w => w.HasExited);
            _workers.RemoveAll(ended.Contains);
        }
        foreach (var worker in ended)
        {
            AddFailure(await worker.EndAsync());
            StartWorker(worker.Name);
            worker.Dispose();
        }
    }

    private void AddFailure(string? failure)
    {
        if (failure is null) return;
        lock (_failures) _failures.Add(failure);
        say(failure);
    }

    /// <summary>Waits until so many rows are stored, repeats counted.</summary>
    private async Task MovedAsync(double rows, TimeSpan limit, CancellationToken cancel)
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < limit; await Task.Delay(LookMs, cancel))
            if (rows <= 0 || await RowsAsync(cancel) >= rows) return;
    }

    private async Task<long> RowsAsync(CancellationToken cancel)
    {
        try
        {
            var answer = await _clickHouse.QueryAsync("SELECT count() FROM events_rows", "TabSeparated", cancel);
            return long.Parse(Encoding.UTF8.GetString(answer), CultureInfo.InvariantCulture);
        }
        catch (ClickHouseException)
        {
            return 0; // no table yet
        }
    }

    // Everything is committed, the workers end in order, and one more process lets time come to its end.
    private async Task<IReadOnlyList<FaultSeconds>> EndAsync()
    {
        await Task.WhenAll(_pending);
        _recovery.Watch(EndOfAll);
        var faults = (await _recovery.EndAsync(DrainMax)).Where(f => f.Fault != EndOfAll).ToList();
        say($"all is committed after {Stopwatch.GetElapsedTime(_began).TotalSeconds:0.0} s");
        await NoteFailuresAsync();
        foreach (var failure in await Task.WhenAll(_workers.Select(w => w.EndAsync()))) AddFailure(failure);
        using var last = NewWorker(TimeSpan.FromSeconds(1), "");
        AddFailure(await last.EndedAsync());
        return faults;
    }

    // To be laid beside the logs of the workers: who waited for whom.
    private async Task LogAsync(IEnumerable<FaultSeconds> faults)
    {
        if (options.LogFolder is null) return;
        await File.WriteAllLinesAsync(Path.Combine(options.LogFolder, "faults.log"), faults.OrderBy(f => f.Came).Select(f =>
            string.Create(CultureInfo.InvariantCulture, $"{f.Came:HH:mm:ss.f} {f.Fault}, moves again after {f.Standstill:0.0} s, recovered after {f.Recovery:0.0} s")));
    }

    private async Task<(ChaosTruth, ChaosFindings)> AuditAsync(CancellationToken cancel)
    {
        say("comparing the stores with a replay of the same events");
        var rules = RuleSet.Load(ruleFile);
        var truth = await ChaosTruth.OfAsync([.. _records.Select(r => r.Value)], _topic.Places(), rules, _settings.Pipeline, _servers.Folder, cancel);
        await using var redis = await RedisConnection.OpenAsync(
            _settings.Redis, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, TimeProvider.System, cancel);
        return (truth, await new ChaosAudit(truth, _topic, _clickHouse, redis, rules).RunAsync(cancel));
    }
}
