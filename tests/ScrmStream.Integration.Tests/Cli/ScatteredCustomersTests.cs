using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Generation;
using ScrmStream.Host.Replay;
using ScrmStream.Host.Settings;
using ScrmStream.Integration.Kafka;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.Rules;

namespace ScrmStream.Integration.Cli;

/// <summary>
/// Real processes on a real broker, Redis and ClickHouse; every customer's events are scattered over all partitions. Two processes that
/// share a group, and one that is killed, end with what one <c>replay</c> of the same events finds.
/// </summary>
public sealed class ScatteredCustomersTests(Brokers brokers) : IClassFixture<Brokers>
{
    private const int Events = 200_000;
    private const int LimitMs = 5 * 60 * 1000;
    // Ends before the test's limit, so that processes are ended and folders deleted.
    private static readonly TimeSpan RunMax = TimeSpan.FromMinutes(3);
    private static readonly string RuleFile = ScrmProcess.InCheckout("schemas/rules/examples/petshop.yaml");

    /// <summary>What a run, a replay or the stores came to.</summary>
    private sealed record Totals(long Identifiers, long Customers, long Tags);

    [RealStackFact(Timeout = LimitMs)]
    public async Task Run_SecondProcessJoinsTheGroup_EndsAsOneReplay()
    {
        await using var scene = await Scene.StartAsync(brokers);
        // Slow enough that the group has work to share for as long as it takes the second process to join it.
        var publishing = scene.PublishAsync(recordsPerSecond: 8_000);
        using var first = scene.StartRun();
        await scene.WaitForRowsAsync(Events / 10, first);
        using var second = scene.StartRun();
        await publishing;
        var summaries = await Task.WhenAll(first.SummaryAsync(), second.SummaryAsync());

        Assert.All(summaries, s => Assert.True(s.GetProperty("events").GetInt64() > Events / 20, $"one process did it all: {s}"));
        await scene.AssertEndsAsReplayAsync();
    }

    [RealStackFact(Timeout = LimitMs)]
    public async Task Run_KilledHalfwayAndStartedAgain_EndsAsOneReplay()
    {
        await using var scene = await Scene.StartAsync(brokers);
        await scene.PublishAsync(recordsPerSecond: 0);
        using (var killed = scene.StartRun())
        {
            await scene.WaitForRowsAsync(Events * 2 / 5, killed);
            killed.Kill();
        }
        Assert.InRange(await scene.RowsAsync(), Events * 2 / 5, Events * 9 / 10);
        using var again = scene.StartRun();
        await again.SummaryAsync();
        await scene.AssertEndsAsReplayAsync();
    }

    /// <summary>Servers, a topic with the generator's events, and the truth of a replay.</summary>
    private sealed class Scene : IAsyncDisposable
    {
        private readonly TemporaryHome _home = new();
        private readonly string _topic = $"scattered-{Guid.NewGuid():N}";
        private readonly string _kafka;
        private readonly List<byte[]> _records = [];

        private Scene(string kafka) => _kafka = kafka;

        private string Config => Path.Combine(_home.Scrm.Home, "config.json");

        public static async Task<Scene> StartAsync(Brokers brokers)
        {
            var scene = new Scene(brokers.Address(Brokers.Real));
            try
            {
                // Flushes small enough to be killed between; as many event_ids as may lie between two copies in other partitions.
                await File.WriteAllTextAsync(scene.Config, """{"Pipeline": {"FlushEventsMax": 5000, "EventIdRing": 1024}}""");
                await scene._home.Scrm.OutputOfAsync("up");
                var generator = new PetShopGenerator(new PetShopOptions { Events = Events, Seed = 11 }, withTruth: false);
                scene._records.AddRange(generator.Records().Select(r => r.Value.ToArray()));
                return scene;
            }
            catch
            {
                await scene.DisposeAsync();
                throw;
            }
        }

        /// <param name="recordsPerSecond">0: as fast as it goes.</param>
        public async Task PublishAsync(int recordsPerSecond)
        {
            using var publisher = await KafkaPublisher.OpenAsync(new KafkaOptions { BootstrapServers = _kafka });
            await publisher.CreateMissingAsync(_topic);
            var (random, watch) = (new Random(1), Stopwatch.StartNew());
            for (var i = 0; i < _records.Count; i++)
            {
                publisher.Publish(_topic, BitConverter.GetBytes(random.NextInt64()), _records[i]);
                var ahead = recordsPerSecond == 0 ? 0 : i * 1000L / recordsPerSecond - watch.ElapsedMilliseconds;
                if (ahead > 50) await Task.Delay((int)ahead);
            }
            publisher.Flush();
            Assert.Equal(_records.Count, publisher.Acknowledged);
        }

        public RunningRun StartRun() => new(_home.Scrm.Start(
            "run", "--kafka", _kafka, "--topics", _topic, "--rules", RuleFile, "--config", Config, "--until-idle", "8s", "--format", "json",
            "--health-port", "-1"));

        public async Task WaitForRowsAsync(long atLeast, RunningRun run)
        {
            while (await RowsAsync() < atLeast)
            {
                Assert.False(run.HasExited, $"run ended before {atLeast} events were stored");
                await Task.Delay(50);
            }
        }

        /// <summary>Events that are in ClickHouse; 0 while there is no table.</summary>
        public async Task<long> RowsAsync()
        {
            try
            {
                return (await NumbersAsync("SELECT count() FROM events_rows"))[0];
            }
            catch (ClickHouseException)
            {
                return 0;
            }
        }

        public async Task AssertEndsAsReplayAsync()
        {
            var replay = await ReplayAsync();
            var accepted = replay.GetProperty("accepted").GetInt64();
            var customers = replay.GetProperty("customers").GetInt64();
            Assert.Equal(Events, replay.GetProperty("events").GetInt64());
            Assert.Equal(Of(replay), await StoredAsync());
            Assert.Equal([accepted, accepted], await NumbersAsync("SELECT count(), uniqExact(topic, partition, offset, index) FROM events"));
            Assert.Equal([customers], await NumbersAsync("SELECT uniqExact(customer) FROM events_resolved"));
        }

        public ValueTask DisposeAsync() => _home.DisposeAsync();

        private async Task<JsonElement> ReplayAsync()
        {
            var input = Path.Combine(_home.Scrm.Home, "events.ndjson");
            await File.WriteAllLinesAsync(input, _records.Select(Encoding.UTF8.GetString));
            var plan = new ReplayPlan([input], null, RuleSet.Load(RuleFile), null, Path.Combine(_home.Scrm.Home, "out"));
            var options = new PipelineOptions { EventIdRing = 1024 };
            return JsonDocument.Parse(await Replayer.RunAsync(plan, options, TimeProvider.System, default)).RootElement;
        }

        private async Task<Totals> StoredAsync()
        {
            using var status = JsonDocument.Parse(await _home.Scrm.OutputOfAsync("status", "--format", "json"));
            var redis = status.RootElement.GetProperty("servers").EnumerateArray().Single(s => s.GetProperty("server").GetString() == "redis");
            return Of(redis.GetProperty("stored"));
        }

        private static Totals Of(JsonElement counts) => new(
            counts.GetProperty("identifiers").GetInt64(), counts.GetProperty("customers").GetInt64(), counts.GetProperty("tags").GetInt64());

        private async Task<long[]> NumbersAsync(string sql)
        {
            var servers = JsonSerializer.Deserialize<LocalServers>(await File.ReadAllTextAsync(Path.Combine(_home.Up, "servers.json")))!;
            using var client = new ClickHouseClient(new() { Address = servers.ClickHouse, Database = "scrm" });
            var line = Encoding.UTF8.GetString(await client.QueryAsync(sql, "TabSeparated", default)).Trim();
            return Array.ConvertAll(line.Split('\t'), n => long.Parse(n, CultureInfo.InvariantCulture));
        }
    }

    /// <summary>A <c>run</c> of its own process; killed when the test is done with it.</summary>
    private sealed class RunningRun : IDisposable
    {
        private readonly Process _process;
        private readonly Task<string> _output, _error;

        public RunningRun(Process process)
        {
            _process = process;
            (_output, _error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        }

        public bool HasExited => _process.HasExited;

        /// <summary>The summary that it ends with.</summary>
        public async Task<JsonElement> SummaryAsync()
        {
            using var limit = new CancellationTokenSource(RunMax);
            await _process.WaitForExitAsync(limit.Token);
            Assert.True(_process.ExitCode == 0, $"run ended with {_process.ExitCode}: {await _error}");
            return JsonDocument.Parse(await _output).RootElement;
        }

        /// <summary>SIGKILL: no handler, no flush.</summary>
        public void Kill()
        {
            Assert.False(_process.HasExited, "run had ended before it could be killed");
            _process.Kill();
            _process.WaitForExit();
        }

        public void Dispose()
        {
            if (!_process.HasExited) _process.Kill();
            _process.Dispose();
        }
    }
}

/// <summary>A test of minutes with a real broker and local servers: for <c>./scrm test --full</c>.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RealStackFactAttribute : FactAttribute
{
    public RealStackFactAttribute() => Skip = new RealKafkaFactAttribute(isSlow: true).Skip ?? new LocalServersFactAttribute().Skip;
}
