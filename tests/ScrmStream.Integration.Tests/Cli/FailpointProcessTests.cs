using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Diagnostics;
using ScrmStream.Host.Running;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.TestKit;
using Xunit.Abstractions;

namespace ScrmStream.Integration.Cli;

/// <summary>
/// Processes that fail on order at the failpoints of the adapters, over real stores: errors that pass, answers that are cut behind the
/// effect, errors that end the run, SIGKILL. What is left of it is read by <c>audit</c>.
/// </summary>
public sealed partial class FailpointProcessTests(ITestOutputHelper output)
{
    private const int LimitMs = 60 * 60 * 1000;
    private const long StartMs = 1_772_294_400_000;
    private static readonly Failpoint[] Kills = [Failpoint.StoreAfter, Failpoint.RowsAfter, Failpoint.LettersBetween];
    private static readonly Failpoint[] Ends =
        [Failpoint.ChangesBefore, Failpoint.ChangesAfter, Failpoint.AssignBefore, Failpoint.OffsetsBefore];

    [LocalServersFact(Timeout = LimitMs)]
    public async Task Run_FailsAtEveryPointOfTheAdapters_NothingIsLostOrDoubled()
    {
        // A process that fails has stored a little before: there must be work left for the last one.
        var (times, records) = Seeds.IsFull ? (50, 20_000) : (3, 3_000);
        await using var home = new TemporaryHome();
        var rules = Path.Combine(home.Scrm.Home, "rules.yaml");
        var config = Path.Combine(home.Scrm.Home, "config.json");
        await File.WriteAllTextAsync(rules, LoadedStack.Rules);
        // Small flushes, one after the other, so that there is work left for the next process. One place in the group, so that it has it at once.
        await File.WriteAllTextAsync(config, """
            {"Kafka": {"SessionTimeoutMs": 6000}, "Pipeline": {"FlushEventsMax": 8, "BatchRecordsMax": 16, "BatchesInFlightMax": 8, "InsertBatches": 1}}
            """);
        await home.Scrm.OutputOfAsync("up", "--kafka-topics", "events", "--kafka-partitions", "1");
        var servers = JsonSerializer.Deserialize<LocalServers>(await File.ReadAllTextAsync(Path.Combine(home.Up, "servers.json")))!;
        await PublishAsync(servers, records);
        string[] run = ["run", "--topics", "events", "--rules", rules, "--config", config, "--health-port", "-1", "--until-idle", "1s"];

        for (var n = 1; n <= times; n++)
        {
            foreach (var point in Ends)
            {
                var order = $"{Failpoints.NameOf(point)}=throw@{(point is Failpoint.AssignBefore ? 1 : TimeOf(n))}";
                var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => RunHereAsync(order, config, rules, servers));
                Assert.Contains($"failpoint {Failpoints.NameOf(point)}", error.Message, StringComparison.Ordinal);
            }
        }
        for (var n = 1; n <= times / 3; n++)
        {
            foreach (var point in Kills)
            {
                var outcome = await home.Scrm.RunFailingAsync($"{Failpoints.NameOf(point)}=kill@{TimeOf(n)}", TimeSpan.FromSeconds(90), run);
                Assert.True(outcome.Code == 137, $"{point} ended with {outcome.Code}: {outcome.Error}");
            }
        }
        Failpoint[] passing = [.. Enum.GetValues<Failpoint>().Where(p => p is >= Failpoint.RedisBefore and <= Failpoint.ProduceAfter)];
        var orders = passing.SelectMany(p => Enumerable.Range(1, times).Select(n => $"{Failpoints.NameOf(p)}=throw@{n * 2}"));
        // Each failure waits a moment before it tries again.
        var last = await home.Scrm.RunFailingAsync(string.Join(';', orders), TimeSpan.FromSeconds(60 + 20 * times), run);
        Assert.True(last.Code == 0, last.Error);
        var passed = Coverage().Match(last.Error).Groups[1].Value;
        output.WriteLine(passed);
        var audit = await home.Scrm.RunAsync("audit", "--rules", rules, "--config", config, "--format", "json");
        Assert.True(audit.Code == 0, audit.Output);
        var partition = JsonDocument.Parse(audit.Output).RootElement.GetProperty("delivery").GetProperty("partitions")[0];
        Assert.Equal(records, partition.GetProperty("committed").GetInt64());
        Assert.Equal(records - records / 10, partition.GetProperty("rows").GetInt64());
        Assert.Equal(records / 10, partition.GetProperty("letters").GetInt64());
        Assert.All(passing, p => Assert.True(LeastOf(p, times) <= Passed(passed, p), $"{p} was passed {Passed(passed, p)} times: {passed}"));
    }

    // ClickHouse is asked once a second, for the mark, however many records there are; all else happens with every flush.
    private static int LeastOf(Failpoint point, int times) =>
        point is Failpoint.QueryBefore or Failpoint.QueryAfter ? Math.Min(times * 2, 30) : times * 2;

    // What "run" does, without the second that a process takes to start.
    private static async Task RunHereAsync(string orders, string config, string rules, LocalServers servers)
    {
        Failpoints.Plan = OrderedFailures.Parse(orders);
        var settings = HostSettings.Load(config, new CommandLineValues(
            Kafka: servers.Kafka, Redis: servers.Redis, ClickHouse: servers.ClickHouse, Topics: ["events"]));
        await using var connected = await ConnectedPorts.OpenAsync(settings, RuleText.Read(rules), NullLoggerFactory.Instance, default);
        var pipeline = new StreamPipeline(
            settings.Pipeline, connected.Rules, connected.Ports, WriterStamp.New(), TimeProvider.System, endsWhenIdle: true,
            inForce: connected.InForce);
        await new ServiceRun(pipeline, TimeProvider.System).RunAsync(TimeSpan.FromSeconds(1), _ => { }, default);
    }

    // Before any code asks whether failpoints are on.
    [ModuleInitializer]
    internal static void TurnOn() => Environment.SetEnvironmentVariable(Failpoints.Variable, "none");

    // The first time that a point is passed, the second, the third, and again.
    private static int TimeOf(int n) => (n - 1) % 3 + 1;

    private static long Passed(string coverage, Failpoint point) =>
        long.Parse(Regex.Match(coverage, $@"\b{Failpoints.NameOf(point)} (\d+)").Groups[1].Value);

    // Each tenth is no event.
    private static async Task PublishAsync(LocalServers servers, int records)
    {
        using var publisher = await KafkaPublisher.OpenAsync(new KafkaOptions { BootstrapServers = servers.Kafka });
        for (var i = 0; i < records; i++)
        {
            var value = i % 10 == 9 ? "not json" : $$"""
                {"event":"{{(i % 3 == 0 ? "order_paid" : "product_view")}}","event_time":{{StartMs + i * 1_000L}},"identifiers":[{"kind":"cookie","scope":"shop","value":"c{{i % 200}}"}]}
                """;
            publisher.Publish("events", null, Encoding.UTF8.GetBytes(value));
        }
        publisher.Flush();
    }

    [GeneratedRegex(@"failpoints passed: (.*)")]
    private static partial Regex Coverage();
}
