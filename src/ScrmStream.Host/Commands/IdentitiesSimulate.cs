using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Auditing;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Settings;
using ScrmStream.Host.Simulating;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.Host.Commands;

/// <summary><c>identities simulate</c>: what other limits of identity would change.</summary>
internal static class IdentitiesSimulate
{
    private const int ExamplesMax = 1_000;

    public static Command Create()
    {
        var servers = new ServerOptions();
        var limits = new Option<string>("--limits")
        {
            Required = true,
            Description = "A configuration file (JSON) with other limits under Pipeline:Identity: ContactValuesMax, NeighboursMax, "
                + "RawComponentMax, Kinds. What it does not name stays as it is.",
        };
        var rules = new Option<string?>("--rules")
            { Description = "The rule file; without it that of the configuration, or the rules in force." };
        var examples = new Option<int>("--examples")
            { Description = $"How many of each, 0 to {ExamplesMax}.", DefaultValueFactory = _ => 5 };
        var format = FormatOption.Of(FormatOption.Json);
        var command = new Command("simulate", "Says what other limits of identity would change: customers, merges gained and lost, who "
            + "would gain and lose which tag and lead. Folds all events in ClickHouse twice, with everybody in memory, with the present "
            + "limits and with the others, as of the latest event. Nothing is changed.") { limits, rules, examples, format };
        servers.AddTo(command, redis: true, clickHouse: true);
        command.Runs((parsed, cancel) => ClickHouseErrors.GuardAsync(async () =>
        {
            var most = parsed.GetValue(examples);
            if (most is < 0 or > ExamplesMax) throw new SettingsException($"--examples {most}: give 0 to {ExamplesMax}.");
            var present = servers.Load(parsed, parsed.GetValue(rules));
            var other = LimitsFile.Apply(parsed.GetValue(limits)!, file => servers.Load(parsed, parsed.GetValue(rules), onTop: file));
            return await RunAsync(present, other, most, parsed.GetValue(format) == FormatOption.Json, cancel);
        }));
        return command;
    }

    private static async Task<int> RunAsync(HostSettings present, HostSettings other, int examples, bool json, CancellationToken cancel)
    {
        if (!present.HasClickHouse) throw Exits.NoAddress("ClickHouse", "--clickhouse http://");
        var rules = await RulesAsync(present, cancel);
        using var clickHouse = new ClickHouseClient(present.ClickHouse);
        var simulation = new IdentitySimulation(clickHouse, rules, examples);
        var found = await simulation.RunAsync(present.Pipeline, other.Pipeline, cancel);
        if (json) Console.WriteLine(JsonSerializer.Serialize(Answer(simulation, found), ResultTable.Json));
        else Write(simulation, found);
        return Exits.Done;
    }

    private static async Task<RuleSet> RulesAsync(HostSettings settings, CancellationToken cancel)
    {
        if (settings.Rules is { } file) return RuleSet.Load(file);
        if (!settings.HasRedis) return RuleSet.Empty;
        await using var redis = await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel);
        return !redis.IsCluster && await new RedisRuleStore(redis).ReadAsync(cancel) is { } inForce
            ? RuleSet.Parse(inForce.Text, inForce.File) : RuleSet.Empty;
    }

    private static object Answer(IdentitySimulation simulation, CustomerComparison found) => new
    {
        as_of_ms = simulation.After.AsOfMs,
        simulation.Events,
        customers = new { before = simulation.Before.Roots.Count, after = simulation.After.Roots.Count },
        merges = new
        {
            gain = found.MergesGained.Count, lose = found.MergesLost.Count,
            gained = Pairs(simulation, found.MergesGained), lost = Pairs(simulation, found.MergesLost),
        },
        identifiers = new
        {
            join = found.Joining.Count, leave = found.Leaving.Count,
            joining = Pairs(simulation, found.Joining), leaving = Pairs(simulation, found.Leaving),
        },
        found.Rules,
    };

    private static string[][] Pairs(IdentitySimulation simulation, ChangedPairs pairs) =>
        [.. pairs.Examples.Select(p => (string[])[simulation.TextOf(p.One), simulation.TextOf(p.Other)])];

    private static void Write(IdentitySimulation simulation, CustomerComparison found)
    {
        string[] columns = ["what", "kind", "before", "after", "gain", "lose", "change"];
        var table = new ResultTable(columns) { Numbers = columns[2..] };
        table.Add("customers", "identity", Text(simulation.Before.Roots.Count), Text(simulation.After.Roots.Count), "", "", "");
        table.Add("merges", "identity", "", "", Text(found.MergesGained.Count), Text(found.MergesLost.Count), "");
        table.Add("identifiers", "identity", "", "", Text(found.Joining.Count), Text(found.Leaving.Count), "");
        foreach (var r in found.Rules) table.Add(r.Rule, r.Kind, Text(r.Before), Text(r.After), Text(r.Gain), Text(r.Lose), Text(r.Change));
        table.Write();
        Say(simulation, found.MergesGained, "{0} and {1} would become one customer");
        Say(simulation, found.MergesLost, "{0} and {1} would no longer be one customer");
        Say(simulation, found.Joining, "{0} would come to the customer of {1}");
        Say(simulation, found.Leaving, "{0} would leave the customer of {1}");
        foreach (var rule in found.Rules)
            foreach (var sample in rule.Samples) Console.Error.WriteLine($"{rule.Rule} {sample}");
        Console.Error.WriteLine($"{Text(simulation.Events)} events, tags and leads as of {TimeText.Show(simulation.After.AsOfMs)}.");
    }

    private static void Say(IdentitySimulation simulation, ChangedPairs pairs, string sentence)
    {
        foreach (var p in pairs.Examples)
            Console.Error.WriteLine(ResultTable.Harmless(
                string.Format(CultureInfo.InvariantCulture, sentence, simulation.TextOf(p.One), simulation.TextOf(p.Other))));
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
