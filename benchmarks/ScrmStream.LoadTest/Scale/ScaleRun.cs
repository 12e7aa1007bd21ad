using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Running;
using ScrmStream.Host.Settings;
using ScrmStream.LoadTest.Chaos;
using ScrmStream.LoadTest.Price;
using ScrmStream.Redis;
using ScrmStream.Redis.Embedded;

namespace ScrmStream.LoadTest.Scale;

/// <summary>Makes the runs one after the other, each in a Redis and a database of its own.</summary>
internal sealed class ScaleRun(ScaleOptions options, string ruleFile, Action<string> say)
{
    private const int RulesOfTheJob = 16;
    private static readonly TimeSpan EndMax = TimeSpan.FromMinutes(10);
    private int _names;

    public async Task<IReadOnlyList<ScaleResult>> RunAsync(CancellationToken cancel)
    {
        await using var servers = await PriceServers.StartAsync(options.Kafka, options.Program, cancel);
        var results = new List<ScaleResult>();
        // What the servers do for the first time is not to be in a run that counts.
        _ = await RunAsync(servers, new ScaleStep(default, 20_000, RuleCopies: 1, Processes: 1, Partitions: 4), cancel);
        foreach (var step in Steps())
        {
            results.Add(await RunAsync(servers, step, cancel));
            say($"{step.Part}: {step.Events:N0} events, {step.RuleCopies * RulesOfTheJob} rules, {step.Processes} processes, {step.Partitions} partitions: "
                + $"{results[^1].Seconds:N1} s");
        }
        return results;
    }

    private IEnumerable<ScaleStep> Steps()
    {
        var usual = new ScaleStep(default, options.Events * 2, RuleCopies: 1, Processes: 1, Partitions: 12);
        ScaleStep[] all =
        [
            .. new[] { 1, 2, 4, 8 }.Select(n => usual with { Part = ScaleParts.Identifiers, Events = options.Events * n }),
            .. new[] { 1, 2, 4, 8 }.Select(n => usual with { Part = ScaleParts.Rules, RuleCopies = n }),
            .. new[] { 1, 2, 4 }.Select(n => usual with { Part = ScaleParts.Processes, Processes = n }),
            .. new[] { 1, 4, 16, 64 }.Select(n => usual with { Part = ScaleParts.Partitions, Partitions = n }),
        ];
        return all.Where(step => options.Parts.HasFlag(step.Part));
    }

    private async Task<ScaleResult> RunAsync(PriceServers servers, ScaleStep step, CancellationToken cancel)
    {
        var (name, people) = ($"scale{Guid.NewGuid():N}"[..12] + $"_{_names++}", step.Events / 10);
        var truth = ReferenceTruth.Of(step.Events, people, options.Seed);
        truth = truth with { Tags = truth.Tags * step.RuleCopies };
        await ReferenceTopic.PublishAsync(servers.Kafka, name, step.Events, people, options.Seed, partitions: step.Partitions);
        var rules = await RulesAsync(servers, step.RuleCopies, cancel);
        await using var redis = await servers.StartRedisAsync(name, keepsLog: true, cancel, "--auto-aof-rewrite-percentage", "0");
        var settings = servers.Settings(name, redis.Address, name);
        var (redisBefore, clickHouseBefore) = (CpuOf(redis), servers.ClickHouse.ProcessorTime);
        var summaries = await Task.WhenAll(Enumerable.Range(0, step.Processes).Select(_ => WorkAsync(settings, rules, cancel)));
        var clickHouse = servers.ClickHouse.ProcessorTime - clickHouseBefore;
        var redisCpu = CpuOf(redis) - redisBefore;

        await using var connection = await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel);
        var (check, counting) = (new TruthCheck(truth), CpuOf(redis));
        check.Stored("Redis", await new RedisViewStore(connection).CountAsync(cancel));
        // Each process has counted too.
        redisCpu -= step.Processes * (CpuOf(redis) - counting);
        var redisBytes = long.Parse((await connection.InfoAsync("memory"))["used_memory"], CultureInfo.InvariantCulture);
        await CheckTablesAsync(settings, check, cancel);
        return new ScaleResult(
            step, truth, summaries.Max(s => s.Seconds), TimeSpan.FromSeconds(summaries.Sum(s => s.ProcessorSeconds)), redisCpu, clickHouse,
            summaries.Max(s => s.PeakMemoryBytes), redisBytes, check.Wrong);
    }

    private async Task<RunSummary> WorkAsync(HostSettings settings, string rules, CancellationToken cancel)
    {
        using var worker = new ChaosWorker(options.Program,
        [
            "run", "--kafka", settings.Kafka.BootstrapServers, "--redis", settings.Redis.Address,
            "--clickhouse", settings.ClickHouse.Address.ToString(), "--topics", settings.Kafka.Topics[0], "--group", settings.Kafka.GroupId,
            "--namespace", settings.Namespace, "--rules", rules, "--until-idle", "5s", "--format", "json", "--health-port", "-1",
        ], name: "", logFolder: null);
        if (await worker.EndedAsync(EndMax).WaitAsync(cancel) is { } failure) throw new InvalidOperationException(failure);
        return RunSummary.Parse(await worker.Output);
    }

    // All events lie within seven days, so the same counts over more days are other aggregates with the same values.
    private async Task<string> RulesAsync(PriceServers servers, int copies, CancellationToken cancel)
    {
        if (copies == 1) return ruleFile;
        var text = await File.ReadAllTextAsync(ruleFile, cancel);
        var (first, end) = (text.IndexOf("  - tag: ", StringComparison.Ordinal), text.IndexOf("\nscores:", StringComparison.Ordinal));
        var tags = text[first..end];
        var more = Enumerable.Range(1, copies - 1).Select(n => tags
            .Replace("- tag: ", $"- tag: more{n}_", StringComparison.Ordinal).Replace("within 7d", $"within {7 + n}d", StringComparison.Ordinal));
        var file = servers.PathOf($"rules-{copies}.yaml");
        await File.WriteAllTextAsync(file, text[..end] + string.Concat(more) + text[end..], cancel);
        return file;
    }

    private static async Task CheckTablesAsync(HostSettings settings, TruthCheck check, CancellationToken cancel)
    {
        using var client = new ClickHouseClient(settings.ClickHouse);
        await check.TablesAsync(client, cancel);
        // What is left to merge must not cost the next run.
        using var server = new ClickHouseClient(new ClickHouseOptions { Address = settings.ClickHouse.Address, Database = "default" });
        await server.CommandAsync($"DROP DATABASE {settings.ClickHouse.Database} SYNC", cancel);
    }

    private static TimeSpan CpuOf(EmbeddedRedis redis)
    {
        using var process = Process.GetProcessById(redis.ProcessId);
        return process.TotalProcessorTime;
    }
}
