using System.CommandLine;
using Microsoft.Extensions.Logging;
using ScrmStream.Diagnostics;
using ScrmStream.Host.Auditing;
using ScrmStream.Host.Rebuilding;
using ScrmStream.Host.Running;
using ScrmStream.Host.Settings;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream run</c>: the service.</summary>
public static class RunCommand
{
    public static Command Create()
    {
        var servers = new ServerOptions();
        var topics = new Option<string[]>("--topics")
        {
            Description = "Topics to read; one that starts with ^ is a regular expression.", AllowMultipleArgumentsPerToken = true,
        };
        var history = new Option<string[]>("--history-topics")
        {
            Description = "Topics of history, read while the others are nearly read; they may come later.",
            AllowMultipleArgumentsPerToken = true,
        };
        var group = new Option<string?>("--group") { Description = "Kafka consumer group; default scrmstream[-NAMESPACE]." };
        var rules = new Option<string?>("--rules") { Description = "Rule file (YAML); schemas/rules/examples has some." };
        var untilIdle = new Option<string?>("--until-idle")
            { Description = "End when all topics have been read to their end for so long, for example 5s." };
        var format = new Option<string>("--format")
            { Description = "Of the closing summary: text or json.", DefaultValueFactory = _ => "text" };
        format.AcceptOnlyFromAmong("text", "json");
        var health = new Option<int?>("--health-port") { Description = "Loopback port of /healthz and /metrics; 0 a free one, -1 none." };
        var command = new Command("run", "Runs the service: Kafka to customers, tags and scores in Redis, events in ClickHouse.")
            { topics, history, group, rules, untilIdle, format, health };
        servers.AddTo(command, kafka: true, redis: true, clickHouse: true);
        command.Runs(async (parsed, cancel) =>
        {
            var settings = servers.Load(parsed, parsed.GetValue(rules), parsed.GetValue(group), parsed.GetValue(topics));
            if (parsed.GetValue(history) is { Length: > 0 } given) settings.Kafka.HistoryTopics = given;
            if (parsed.GetValue(health) is { } port) settings.HealthPort = port;
            var idle = Durations.Parse(parsed.GetValue(untilIdle), "--until-idle");
            return await RunAsync(settings, idle, parsed.GetValue(format) == "json", cancel);
        });
        return command;
    }

    private static async Task<int> RunAsync(HostSettings settings, TimeSpan? untilIdle, bool json, CancellationToken cancel)
    {
        var file = settings.Rules is { } path ? RuleText.Read(path) : null;
        if (settings.HasKafka && settings.Kafka.Topics.Count == 0)
            throw new SettingsException("No topic to read: give --topics or Kafka:Topics.");
        using var logs = Logs.Create();
        var failures = Order();
        await using var connected = await ConnectedPorts.OpenAsync(settings, file, logs, cancel);
        await using var rollback = new RollbackWatch(connected.Redis, connected.ClickHouse, TimeProvider.System);
        if (settings.RollbackCheck) await rollback.CheckAsync(cancel);
        foreach (var finding in connected.Findings) Console.Error.WriteLine($"scrmstream: at least once only: {finding}");
        var pipeline = new StreamPipeline(
            settings.Pipeline, connected.Rules, connected.Ports, WriterStamp.New(), TimeProvider.System,
            endsWhenIdle: untilIdle is not null, inForce: connected.InForce);
        await using var health = settings.HealthPort < 0
            ? null
            : await HealthServer.StartAsync(settings.HealthPort, pipeline, TimeProvider.System, cancel);
        if (health is not null) Console.Error.WriteLine($"scrmstream: health and metrics at {health.Address}healthz and /metrics");
        await using var audits = AuditSchedule.Start(
            settings, pipeline, logs.CreateLogger("Audit"), TimeProvider.System);
        await using var watch = RuleFileWatch.Start(
            file, connected.Publisher, pipeline.Counters, settings.RuleFileSeconds, logs.CreateLogger("Rules"), TimeProvider.System);
        var run = new ServiceRun(pipeline, TimeProvider.System);
        var line = new LiveLine(TimeProvider.System);
        var alarm = new FloodAlarm(logs.CreateLogger("Run"));
        var sweep = new SweepNotes(logs.CreateLogger("Rules"), TimeProvider.System);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        if (settings.RollbackCheck) rollback.Start(ending.Cancel);
        try
        {
            await run.RunAsync(untilIdle, Tick, ending.Token);
            if (rollback.Loss is { } loss) throw loss;
        }
        catch (TimeoutException) when (rollback.Loss is { } loss)
        {
            throw loss;
        }
        finally
        {
            line.Close();
            if (failures is not null) Console.Error.WriteLine($"scrmstream: failpoints passed: {failures.Coverage()}");
        }
        var totals = await connected.Ports.Views.CountAsync(CancellationToken.None);
        var summary = RunSummary.Of(pipeline.Counters, run.Elapsed, totals);
        Console.WriteLine(json ? summary.ToJson() : summary.ToText());
        return Exits.Done;

        void Tick(StreamPipeline running)
        {
            line.Tick(running);
            alarm.Tick(running);
            sweep.Tick(running);
        }
    }

    // Failures on order, of tests; null where none are.
    private static OrderedFailures? Order()
    {
        if (!Failpoints.AreOn) return null;
        var failures = OrderedFailures.Parse(Environment.GetEnvironmentVariable(Failpoints.Variable)!);
        Console.Error.WriteLine($"scrmstream: {Failpoints.Variable} is set: this process fails on order");
        Failpoints.Plan = failures;
        return failures;
    }
}
