using System.CommandLine;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Running;
using ScrmStream.Host.Settings;
using ScrmStream.Pipeline.Reload;
using ScrmStream.Redis;

namespace ScrmStream.Host.Commands;

/// <summary><c>rules publish</c> and <c>rules status</c>: what the processes of a namespace work by.</summary>
internal static class RulesPublish
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    public static Command Publish()
    {
        var servers = new ServerOptions();
        var file = new Argument<string>("file") { Description = "The rule file (YAML)." };
        var past = new Option<bool>("--act-on-the-past")
        {
            Description = "Actions that are new may be decided for what happened before, as far back as they look. Without it they begin "
                + "now.",
        };
        var wait = new Option<bool>("--wait") { Description = "Return when all customers have followed; \"run\" has to run for that." };
        var format = FormatOption.Of(FormatOption.Json);
        var command = new Command("publish", "Puts a rule file in force for all processes that run in the namespace, without a restart. A "
            + "file that is not right changes nothing.") { file, past, wait, format };
        servers.AddTo(command, redis: true, clickHouse: true);
        command.Runs((parsed, cancel) => ClickHouseErrors.GuardAsync(() => PublishAsync(
            servers.Load(parsed), RuleText.Read(parsed.GetValue(file)!), parsed.GetValue(past), parsed.GetValue(wait),
            parsed.GetValue(format) == FormatOption.Json, cancel)));
        return command;
    }

    public static Command Status()
    {
        var servers = new ServerOptions();
        var format = FormatOption.Of(FormatOption.Json);
        var command = new Command("status", "Shows which rules are in force in the namespace, and how many parts of all customers have "
            + "followed them.") { format };
        servers.AddTo(command, redis: true);
        command.Runs((parsed, cancel) => StatusAsync(servers.Load(parsed), parsed.GetValue(format) == FormatOption.Json, cancel));
        return command;
    }

    private static async Task<int> PublishAsync(
        HostSettings settings, RuleText file, bool actsOnThePast, bool waits, bool json, CancellationToken cancel)
    {
        if (!settings.HasClickHouse) throw Exits.NoAddress("ClickHouse", "--clickhouse http://");
        if (!settings.HasRedis) throw Exits.NoAddress("Redis", "--redis");
        using var clickHouse = new ClickHouseClient(settings.ClickHouse);
        await using var redis = await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel);
        if (redis.IsCluster)
            throw new SettingsException(
                "On a Redis Cluster rules change with a restart of all processes: no step can change them for all at once.");
        var publisher = new RulePublisher(redis, clickHouse, TimeProvider.System);
        var rules = await publisher.PublishAsync(file, actsOnThePast, cancel);
        while (waits && !rules.IsSwept && rules.Parts > 0)
        {
            await Task.Delay(Look, TimeProvider.System, cancel);
            if (await publisher.Store.ReadAsync(cancel) is not { } now || now.Number != rules.Number)
                throw new SettingsException("Other rules were put in force meanwhile.");
            rules = now;
        }
        await WriteAsync(publisher.Store, rules, json, cancel);
        return Exits.Done;
    }

    private static async Task<int> StatusAsync(HostSettings settings, bool json, CancellationToken cancel)
    {
        if (!settings.HasRedis) throw Exits.NoAddress("Redis", "--redis");
        await using var redis = await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel);
        var store = new RedisRuleStore(redis);
        if (await store.ReadAsync(cancel) is not { } rules)
        {
            throw new SettingsException(
                $"No rules were ever in force in this namespace: \"run\" has not run in it yet ({redis.Keys.Prefix}).");
        }
        await WriteAsync(store, rules, json, cancel);
        return Exits.Done;
    }

    private static async Task WriteAsync(IRuleStore store, RulesInForce rules, bool json, CancellationToken cancel)
    {
        var done = rules.IsSwept ? rules.Parts : await store.PartsDoneAsync(rules, cancel);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                rules.Number, rules.Fingerprint, rules.File, followed = rules.IsSwept || rules.Parts == 0, parts_done = done,
                rules.Parts, incomplete = rules.Incomplete.Count, rules.Left,
            }, ResultTable.Json));
            return;
        }
        Console.WriteLine($"Rules {rules.Number} of {rules.File}, fingerprint {rules.Fingerprint}.");
        Console.WriteLine(rules.IsSwept || rules.Parts == 0
            ? "All customers have followed."
            : $"{done} of {rules.Parts} parts of all customers have followed; {rules.Incomplete.Count} aggregates are being filled from "
                + "ClickHouse.");
        if (rules.Left > 0)
        {
            Console.WriteLine(
                $"Of {rules.Left} shards ClickHouse lacks events: what they keep for the new rules begins with the publication.");
        }
    }
}
