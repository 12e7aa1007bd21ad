using System.CommandLine;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Auditing;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Settings;
using ScrmStream.Redis;
using ScrmStream.Rules;
using ScrmStream.Rules.Sql;

namespace ScrmStream.Host.Commands;

/// <summary><c>rules sql</c>, <c>rules audit</c> and <c>rules diff</c>: the same rules by another engine.</summary>
internal static class RulesSql
{
    public static Command Sql()
    {
        var servers = new ServerOptions();
        var name = new Argument<string>("name") { Description = "A tag or a score of the rules." };
        var (rules, asOf) = (Rules(), new Option<string?>("--as-of")
            { Description = $"{TimeText.Help}; a date is its end. Without it the greatest event time there is." });
        var command = new Command("sql", "Prints a ClickHouse query of the members of a tag, or of the points of a score: what the stream "
            + "concludes, of the events up to one time and as of it. Paste it anywhere, or run it: ./scrm sql \"$(./scrm rules sql ...)\"")
            { name, rules, asOf };
        servers.AddTo(command, clickHouse: true);
        command.Runs((parsed, _) =>
        {
            var settings = servers.Load(parsed, parsed.GetValue(rules));
            var set = RuleSet.Load(Given(settings.Rules));
            long? asOfMs = parsed.GetValue(asOf) is { } text ? TimeText.AsOf(text, TimeProvider.System) : null;
            var sql = RuleQuery.Of(set, parsed.GetValue(name)!, asOfMs, settings.ClickHouse.Database)
                ?? throw new SettingsException($"{parsed.GetValue(name)}: {settings.Rules} has no such tag or score.");
            Console.Out.Write(sql);
            return Task.FromResult(Exits.Done);
        });
        return command;
    }

    public static Command Audit()
    {
        var servers = new ServerOptions();
        var rules = Rules();
        var format = FormatOption.Of(FormatOption.Json);
        var command = new Command("audit", "Asks ClickHouse what the rules say of every customer as of the watermark, and compares it with "
            + "what Redis publishes. Exit code 1 when something differs. Customers with events that are still on their way are left out.")
            { rules, format };
        servers.AddTo(command, redis: true, clickHouse: true);
        command.Runs((parsed, cancel) => ClickHouseErrors.GuardAsync(() => AuditAsync(
            servers.Load(parsed, parsed.GetValue(rules)), parsed.GetValue(format) == FormatOption.Json, cancel)));
        return command;
    }

    public static Command Diff()
    {
        var servers = new ServerOptions();
        var (old, other) = (new Argument<string>("old") { Description = "A rule file, such as that of \"run\"." },
            new Argument<string>("new") { Description = "Another one." });
        var asOf = new Option<string?>("--as-of")
            { Description = $"{TimeText.Help}; a date is its end. Without it the greatest event time there is." };
        var format = FormatOption.Of(FormatOption.Json);
        var command = new Command("diff", "Says who would gain and lose what with another rule file, by the events in ClickHouse. Nothing "
            + "is changed.") { old, other, asOf, format };
        servers.AddTo(command, clickHouse: true);
        command.Runs((parsed, cancel) => ClickHouseErrors.GuardAsync(() => DiffAsync(
            servers.Load(parsed), RuleSet.Load(parsed.GetValue(old)!), RuleSet.Load(parsed.GetValue(other)!),
            parsed.GetValue(asOf) is { } text ? TimeText.AsOf(text, TimeProvider.System) : null,
            parsed.GetValue(format) == FormatOption.Json, cancel)));
        return command;
    }

    private static async Task<int> DiffAsync(
        HostSettings settings, RuleSet old, RuleSet other, long? asOfMs, bool json, CancellationToken cancel)
    {
        if (!settings.HasClickHouse) throw Exits.NoAddress("ClickHouse", "--clickhouse http://");
        using var clickHouse = new ClickHouseClient(settings.ClickHouse);
        asOfMs ??= ResultRows.Long((await ResultRows.ReadAsync(
            clickHouse, "SELECT toUnixTimestamp64Milli(max(event_time)) FROM events", cancel))[0][0]);
        var diff = new RuleDiff(clickHouse, old, other, asOfMs.Value);
        var rules = await diff.RunAsync(cancel);
        if (json) Console.WriteLine(JsonSerializer.Serialize(new { as_of_ms = asOfMs, diff.Customers, rules }, ResultTable.Json));
        else Write(diff.Customers, asOfMs.Value, rules);
        return Exits.Done;
    }

    private static void Write(long customers, long asOfMs, IReadOnlyList<ChangedRule> rules)
    {
        string[] columns = ["rule", "kind", "before", "after", "gain", "lose", "change"];
        var table = new ResultTable(columns) { Numbers = columns[2..] };
        foreach (var r in rules) table.Add(r.Rule, r.Kind, $"{r.Before}", $"{r.After}", $"{r.Gain}", $"{r.Lose}", $"{r.Change}");
        table.Write();
        foreach (var rule in rules)
            foreach (var sample in rule.Samples) Console.Error.WriteLine($"{rule.Rule} {sample}");
        Console.Error.WriteLine($"{customers} customers as of {TimeText.Show(asOfMs)}.");
    }

    private static Option<string?> Rules() => new("--rules") { Description = "The rule file; without it that of the configuration." };

    private static string Given(string? rules) => rules ?? throw new SettingsException("No rules: give --rules FILE.");

    private static async Task<int> AuditAsync(HostSettings settings, bool json, CancellationToken cancel)
    {
        var rules = RuleSet.Load(Given(settings.Rules));
        if (!settings.HasClickHouse) throw Exits.NoAddress("ClickHouse", "--clickhouse http://");
        if (!settings.HasRedis) throw Exits.NoAddress("Redis", "--redis");
        using var clickHouse = new ClickHouseClient(settings.ClickHouse);
        await using var redis = await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel);
        var result = await new RuleAudit(clickHouse, redis, rules, TimeProvider.System).RunAsync(cancel);
        if (json) Console.WriteLine(JsonSerializer.Serialize(result, ResultTable.Json));
        else Write(result);
        return result.Differences == 0 && !result.LacksCustomers ? Exits.Done : Exits.Failed;
    }

    private static void Write(AuditResult result)
    {
        var table = new ResultTable("rule", "kind", "members", "differences") { Numbers = ["members", "differences"] };
        foreach (var rule in result.Rules) table.Add(rule.Rule, rule.Kind, $"{rule.Members}", $"{rule.Differences}");
        table.Write();
        foreach (var rule in result.Rules)
            foreach (var sample in rule.Samples) Console.Error.WriteLine($"{rule.Rule} {sample}");
        Console.Error.WriteLine($"{result.Customers} customers as of {TimeText.Show(result.AsOfMs)}: {result.Differences} differences; "
            + $"{result.InMotion} in motion, not compared; Redis has {result.CustomersInRedis}.");
    }
}
