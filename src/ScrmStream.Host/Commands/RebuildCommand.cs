using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Rebuilding;
using ScrmStream.Host.Replay;
using ScrmStream.Host.Running;
using ScrmStream.Host.Settings;
using ScrmStream.Pipeline;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream rebuild</c>: all state of Redis from the events in ClickHouse.</summary>
internal static class RebuildCommand
{
    private const int RecordBytesMax = 64 * 1024 * 1024;

    public static Command Create()
    {
        var servers = new ServerOptions();
        var rules = new Option<string?>("--rules")
            { Description = "The rule file of \"run\"; without it that of the configuration, or the rules in force." };
        var format = FormatOption.Of(FormatOption.Json);
        var command = new Command("rebuild", "Deletes this namespace's state in Redis and folds it again from all events in ClickHouse, "
            + "decisions among them; no change record is written and no action sent. Stop every \"run\" of the namespace first: one that "
            + "goes on ends by itself. Afterwards \"run\" goes on from the committed offsets. May be broken off and started again. Exit "
            + "code 1 when an event is not accepted under these settings.") { rules, format };
        servers.AddTo(command, redis: true, clickHouse: true);
        command.Runs((parsed, cancel) => ClickHouseErrors.GuardAsync(() => RunAsync(
            servers.Load(parsed, parsed.GetValue(rules)), parsed.GetValue(format) == FormatOption.Json, cancel)));
        return command;
    }

    private static async Task<int> RunAsync(HostSettings settings, bool json, CancellationToken cancel)
    {
        if (!settings.HasRedis) throw Exits.NoAddress("Redis", "--redis");
        if (!settings.HasClickHouse) throw Exits.NoAddress("ClickHouse", "--clickhouse http://");
        var file = settings.Rules is { } path ? RuleText.Read(path) : null;
        if (file is not null) RuleSet.Parse(file.Text, file.File);
        using var logs = Logs.Create();
        await using var redis = await RedisConnection.OpenAsync(settings.Redis, logs.CreateLogger("Redis"), TimeProvider.System, cancel);
        await new RedisServerCheck(redis).RunAsync(cancel);
        using var clickHouse = new ClickHouseClient(settings.ClickHouse);
        var sink = await ClickHouseSink.OpenAsync(clickHouse, cancel);
        var mark = new StateMark(await BeginAsync(redis, clickHouse, cancel), 0);
        await redis.Epoch.ClaimAsync(cancel, above: await sink.GreatestEpochAsync(cancel));
        if (file is null && !redis.IsCluster && await new RedisRuleStore(redis).ReadAsync(cancel) is { } old)
            file = new RuleText(old.File, old.Text);
        var deleted = await new RedisWipe(redis).RunAsync(cancel);
        Console.Error.WriteLine($"scrmstream: {Number(deleted)} keys of Redis deleted");
        // All that is folded is folded by these rules, so they are in force, and complete.
        if (!redis.IsCluster) await new RulePublisher(redis, clickHouse, TimeProvider.System).TakeAsync(file, cancel);
        var rules = file is null ? RuleSet.Empty : RuleSet.Parse(file.Text, file.File);
        var pipeline = await FoldAsync(settings, rules, redis, clickHouse, cancel);
        cancel.ThrowIfCancellationRequested();
        await new RedisMark(redis).WriteAsync(mark, cancel);
        return await TellAsync(pipeline, redis, clickHouse, json, cancel);
    }

    // From here on "run" finds that Redis lacks what it should have, until all is there.
    private static async Task<ulong> BeginAsync(RedisConnection redis, ClickHouseClient clickHouse, CancellationToken cancel)
    {
        var table = new RedisMarkTable(clickHouse);
        var found = await new RedisMark(redis).ReadAsync(cancel);
        var copy = await table.ReadAsync(cancel);
        var generation = Math.Max(found?.Generation ?? 0, copy?.Generation ?? 0) + 1;
        await table.WriteAsync(generation, 0, cancel);
        return generation;
    }

    private static async Task<StreamPipeline> FoldAsync(
        HostSettings settings, RuleSet rules, RedisConnection redis, ClickHouseClient clickHouse, CancellationToken cancel)
    {
        // An event takes more room as JSON than as Avro; it was within the limits when it came.
        settings.Pipeline.Limits.RecordBytesMax = RecordBytesMax;
        var judged = await StoredEventSource.JudgementAsync(clickHouse, cancel);
        await using var source = await StoredEventSource.OpenAsync(clickHouse, cancel);
        Console.Error.WriteLine(
            $"scrmstream: {Number(source.Rows)} rows of events to fold, {Number(judged.Verdicts.Duplicates)} of them duplicates");
        var ports = new PipelinePorts(
            source, new RedisCellStore(redis), new RedisViewStore(redis), new NoAnalytics(), new NoLetters(),
            Timers: new RedisTimerStore(redis));
        var pipeline = new StreamPipeline(
            settings.Pipeline, rules, ports, WriterStamp.New(), TimeProvider.System, endsWhenIdle: true, judged: judged);
        var line = new LiveLine(TimeProvider.System);
        try
        {
            await new ServiceRun(pipeline, TimeProvider.System).RunAsync(untilIdle: null, line.Tick, cancel);
        }
        finally
        {
            line.Close();
        }
        return pipeline;
    }

    private static async Task<int> TellAsync(
        StreamPipeline pipeline, RedisConnection redis, ClickHouseClient clickHouse, bool json, CancellationToken cancel)
    {
        var events = ResultRows.Long((await ResultRows.ReadAsync(clickHouse, "SELECT count() FROM events", cancel))[0][0]);
        var (accepted, totals) = (pipeline.Counters.Accepted, await new RedisViewStore(redis).CountAsync(cancel));
        if (json)
            Console.WriteLine(JsonSerializer.Serialize(
                new { events, accepted, totals.Identifiers, totals.Customers, totals.Tags }, ResultTable.Json));
        else
            Console.WriteLine($"{Number(accepted)} events folded: {Number(totals.Identifiers)} identifiers, "
                + $"{Number(totals.Customers)} customers, {Number(totals.Tags)} tags in Redis. Start \"run\": it goes on where it was");
        if (accepted == events) return Exits.Done;
        Console.Error.WriteLine($"scrmstream: ClickHouse shows {Number(events)} events: what is missing is not accepted under "
            + "these settings (limits, kinds, junk values, keys). Give those of \"run\".");
        return Exits.Failed;
    }

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
