using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Settings;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream ledger</c>: every contribution of every customer to a score, for analysts.</summary>
internal static class LedgerCommand
{
    public static Command Create()
    {
        var servers = new ServerOptions();
        var rules = new Option<string>("--rules")
            { Description = "The rules of \"run\", or others to see what they would give.", Required = true };
        var score = new Option<string?>("--score") { Description = "Only this score; without it, all that the rules have." };
        var asOf = new Option<string?>("--as-of")
        {
            Description = $"Scores as of this time for everybody: {TimeText.Help}; a date is its end. Without it each customer's as of the "
                + "time for which Redis holds it, and compared with Redis.",
        };
        var format = FormatOption.Of(FormatOption.Json);
        var command = new Command("ledger", "Reads all events from ClickHouse and writes what each gives to each score into the view "
            + "score_ledger, in place of what was there. Exit code 1 when a sum is not the value in Redis, to the millionth of a point.")
            { rules, score, asOf, format };
        servers.AddTo(command, redis: true, clickHouse: true);
        command.Runs((parsed, cancel) => ClickHouseErrors.GuardAsync(() => RunAsync(
            servers.Load(parsed, parsed.GetValue(rules)), RuleSet.Load(parsed.GetValue(rules)!), parsed.GetValue(score),
            parsed.GetValue(asOf) is { } text ? TimeText.AsOf(text, TimeProvider.System) : null,
            parsed.GetValue(format) == FormatOption.Json, cancel)));
        return command;
    }

    private static async Task<int> RunAsync(
        HostSettings settings, RuleSet rules, string? named, long? asOfMs, bool json, CancellationToken cancel)
    {
        var scores = rules.Scores.Where(s => named is null || s.Name == named).ToList();
        if (scores.Count == 0)
            throw new SettingsException(named is null ? "The rules have no score." : $"--score {named}: the rules have no such score.");
        if (!settings.HasClickHouse) throw Exits.NoAddress("ClickHouse", "--clickhouse http://");
        if (asOfMs is null && !settings.HasRedis) throw Exits.NoAddress("Redis", "--redis");
        using var clickHouse = new ClickHouseClient(settings.ClickHouse);
        await ClickHouseMigrations.ApplyAsync(clickHouse, cancel);
        await using var redis = asOfMs is null
            ? await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel) : null;
        var nowMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var snapshot = new LedgerSnapshot(clickHouse, redis is null ? null : new RedisReader(redis), rules, scores, asOfMs, nowMs);
        await snapshot.WriteAsync(cancel);
        if (json) Console.WriteLine(JsonSerializer.Serialize(snapshot.Totals, ResultTable.Json));
        else Write(snapshot.Totals, rules);
        return snapshot.Totals.Sum(t => t.Different) == 0 ? Exits.Done : Exits.Failed;
    }

    private static void Write(IReadOnlyList<LedgerTotal> totals, RuleSet rules)
    {
        string[] columns = ["score", "customers", "lines", "points", "equal_to_redis", "different", "in_motion"];
        var table = new ResultTable(columns) { Numbers = columns[1..] };
        foreach (var t in totals)
        {
            table.Add(
                t.Score, Number(t.Customers), Number(t.Lines), (t.WorthMicro / 1_000_000m).ToString("N6", CultureInfo.InvariantCulture),
                Number(t.Equal), Number(t.Different), Number(t.InMotion));
        }
        table.Write();
        Console.Error.WriteLine($"The view score_ledger has them under rule version {rules.Fingerprint}.");
    }

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
