using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.ClickHouse;
using ScrmStream.Events;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Settings;
using ScrmStream.Identity;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream customer</c>: one customer as downstream programs see it.</summary>
internal static class CustomerCommand
{
    public static Command Create()
    {
        var servers = new ServerOptions();
        var who = new Argument<string>("who")
        {
            Description = "A customer's id (32 hex digits; an old one works too) or any identifier as KIND:SCOPE:VALUE, for example "
                + "openid:wx12ab:oA3f or phone::+8613912345678.",
        };
        var asOf = new Option<string?>("--as-of")
            { Description = $"Scores as of this time instead of now: {TimeText.Help}; a date is its end." };
        var rules = new Option<string?>("--rules")
            { Description = "Rule file, for the grades at that time; without it grades are as stored." };
        var explain = new Option<string?>("--explain")
        {
            Description = "Instead of the card, why this score is what it is: every contribution as of --as-of, with its rule, from the "
                + "events in ClickHouse. Needs the rule file.",
        };
        var format = FormatOption.Of(FormatOption.Json);
        var command = new Command("customer", "Shows one customer: identifiers, tags, scores, times. Exit code 1 when nobody is known by "
            + "that name.") { who, asOf, rules, explain, format };
        servers.AddTo(command, redis: true, clickHouse: true);
        command.Runs((parsed, cancel) => ClickHouseErrors.GuardAsync(() => RunAsync(
            servers.Load(parsed, parsed.GetValue(rules)), parsed.GetValue(who)!, TimeText.AsOf(parsed.GetValue(asOf), TimeProvider.System),
            parsed.GetValue(explain), parsed.GetValue(format) == FormatOption.Json, cancel)));
        return command;
    }

    private static async Task<int> RunAsync(
        HostSettings settings, string who, long asOfMs, string? explain, bool json, CancellationToken cancel)
    {
        var ids = CustomerReader.IdsOf(who, settings.Pipeline.Identity);
        if (!settings.HasRedis) throw Exits.NoAddress("Redis", "--redis");
        var rules = settings.Rules is { } file ? RuleSet.Load(file) : null;
        await using var redis = await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel);
        using var clickHouse = settings.HasClickHouse ? new ClickHouseClient(settings.ClickHouse) : null;
        var reader = new CustomerReader(redis, clickHouse, rules, settings.Pipeline.Identity.KindTable());
        var customer = await reader.ReadFirstAsync(ids, asOfMs, cancel);
        if (customer is null)
        {
            var place = settings.Namespace.Length == 0 ? "" : $" in namespace {settings.Namespace}";
            Console.Error.WriteLine($"scrmstream: no customer is known by {who}{place}. Kind and scope have to be as the events name "
                + "them, and the configuration's keys those of \"run\"; \"run\" has to have read those events.");
            return Exits.Failed;
        }
        if (explain is not null) return await ExplainAsync(redis, clickHouse, rules, customer, explain, asOfMs, json, cancel);
        if (asOfMs < customer.LastSeen)
            Console.Error.WriteLine("scrmstream: the customer has events after --as-of; they are in the figures all the same (\"replay "
                + "--as-of\" leaves them out).");
        if (json) Console.WriteLine(CustomerJson.ToLine(customer));
        else CustomerText.Write(customer);
        return Exits.Done;
    }

    private static async Task<int> ExplainAsync(
        RedisConnection redis, ClickHouseClient? clickHouse, RuleSet? rules, CustomerCard customer, string score, long asOfMs, bool json,
        CancellationToken cancel)
    {
        if (rules is null)
            throw new SettingsException("--explain needs --rules: the rules of \"run\", or others to see what they would give.");
        if (clickHouse is null) throw Exits.NoAddress("ClickHouse", "--clickhouse");
        var rule = rules.Scores.FirstOrDefault(s => s.Name == score) ?? throw new SettingsException(
            $"--explain {score}: the rules have no such score; there are {string.Join(", ", rules.Scores.Select(s => s.Name))}.");
        IdentifierId.TryParse(customer.Customer, out var id);
        var check = StoredScore.Find(await new RedisReader(redis).ReadViewAsync(id, cancel), score) is { } stored
            ? new StoredCheck(stored.Micro, (await LedgerAsync(stored.AtMs)).Ledger.MicroPoints, stored.AtMs) : null;
        var (ledger, batch) = await LedgerAsync(asOfMs);
        var explained = new ScoreExplained(rules, rule, ledger, batch, asOfMs, check);
        if (json) explained.WriteJson();
        else explained.Write();
        return check is null or { IsEqual: true } ? Exits.Done : Exits.Failed;

        async Task<(ScoreLedger Ledger, EventBatch Batch)> LedgerAsync(long atMs)
        {
            var events = await CustomerEvents.ReadAsync(clickHouse, id, atMs, cancel);
            return (ScoreLedger.Of(rules, score, events, atMs), events);
        }
    }
}
