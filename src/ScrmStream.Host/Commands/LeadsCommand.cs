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

/// <summary><c>scrmstream leads</c>: the board by score.</summary>
internal static class LeadsCommand
{
    private const int TopMax = 100_000;

    public static Command Create()
    {
        var servers = new ServerOptions();
        var score = new Option<string?>("--score")
            { Description = "Name of the score; without it, the first of --rules, or the only one there is." };
        var top = new Option<int>("--top") { Description = $"How many, 1 to {TopMax}.", DefaultValueFactory = _ => 20 };
        var asOf = new Option<string?>("--as-of") { Description = $"Scores as of this time instead of now: {TimeText.Help}." };
        var rules = new Option<string?>("--rules")
            { Description = "Rule file, for the grades at that time; without it grades are as stored." };
        var why = new Option<bool>("--why")
        {
            Description = "Adds the last touch and what gave most points, from the events in ClickHouse. Needs the rule file; at most 100 "
                + "leads.",
        };
        var format = FormatOption.Of(FormatOption.Json, FormatOption.Csv);
        var command = new Command("leads", "Lists the customers with the highest score right now, best first.")
            { score, top, asOf, rules, why, format };
        servers.AddTo(command, redis: true, clickHouse: true);
        command.Runs((parsed, cancel) => ClickHouseErrors.GuardAsync(() => RunAsync(
            servers.Load(parsed, parsed.GetValue(rules)), parsed.GetValue(score), parsed.GetValue(top),
            TimeText.AsOf(parsed.GetValue(asOf), TimeProvider.System), parsed.GetValue(why), parsed.GetValue(format), cancel)));
        return command;
    }

    private static async Task<int> RunAsync(HostSettings settings, string? score, int top, long atMs, bool why, string? format,
        CancellationToken cancel)
    {
        if (top is < 1 or > TopMax) throw new SettingsException($"--top {top}: give 1 to {TopMax}.");
        if (!settings.HasRedis) throw Exits.NoAddress("Redis", "--redis");
        var rules = settings.Rules is { } file ? RuleSet.Load(file) : null;
        var name = score ?? rules?.Scores.FirstOrDefault()?.Name ?? await OnlyScoreAsync(settings, cancel);
        await using var redis = await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel);
        var leaders = await new RedisReader(redis).LeadersAsync(name, top, atMs, cancel);
        var reader = new CustomerReader(redis, null, rules, settings.Pipeline.Identity.KindTable());
        var cards = await reader.ReadManyAsync([.. leaders.Select(l => l.Customer)], atMs, cancel);
        // A board and its views are written together, so a lead without a view has just been merged away.
        if (format is null && rules is null && !Console.IsOutputRedirected)
            Console.Error.WriteLine("Values are of now, grades of each customer's last event; --rules FILE brings grades to now.");
        List<CustomerCard> leads = [.. cards.OfType<CustomerCard>().Where(c => c.Scores.ContainsKey(name))];
        Write(name, leads, why ? await LeadReasons.ReadAsync(settings, rules, name, leads, atMs, cancel) : null, format);
        return Exits.Done;
    }

    private static async Task<string> OnlyScoreAsync(HostSettings settings, CancellationToken cancel)
    {
        if (!settings.HasClickHouse) throw new SettingsException("Which score? Give --score NAME or --rules FILE.");
        using var client = new ClickHouseClient(settings.ClickHouse);
        var rows = await ResultRows.ReadAsync(client, "SELECT DISTINCT score FROM score_changes_rows ORDER BY score", cancel);
        var names = rows.ConvertAll(row => row[0].GetString()!);
        if (names.Count == 1) return names[0];
        throw new SettingsException(names.Count == 0
            ? "Which score? Nobody has crossed a grade yet, so none is known: give --score NAME or --rules FILE."
            : $"Which score? Give --score with one of: {string.Join(", ", names)}.");
    }

    private static Dictionary<string, object> TagValues(CustomerCard lead) =>
        lead.Tags.ToDictionary(t => t.Key, object (t) => lead.JustHolds(t.Key) ? true : t.Value);

    private static string Stages(CustomerCard lead) => string.Join(' ', lead.Leads.Select(
        l => $"{l.Key}={l.Value.Stage}{(l.Value.Reminder is null ? "" : $"!{l.Value.Reminder}")}"));

    private static void Write(
        string score, List<CustomerCard> leads, IReadOnlyDictionary<string, LeadReason>? reasons, string? format)
    {
        if (format == FormatOption.Json)
        {
            var rows = leads.Select(l => new
            {
                l.Customer, l.Scores[score].Value, l.Scores[score].Grade, leads = l.Leads, l.LastSeen, l.Events, tags = TagValues(l),
                why = reasons?.GetValueOrDefault(l.Customer),
            });
            Console.WriteLine(JsonSerializer.Serialize(rows, ResultTable.Json));
            return;
        }
        string[] more = reasons is null ? [] : ["last_touch", "why"];
        var table = new ResultTable(["customer", "value", "grade", "stage", "last_seen", "events", "tags", .. more])
        {
            Numbers = ["value", "events"], Wraps = ["tags", "why"],
        };
        foreach (var lead in leads)
        {
            var forPeople = format is null && !Console.IsOutputRedirected;
            var (value, grade) = lead.Scores[score];
            var reason = reasons?.GetValueOrDefault(lead.Customer);
            table.Add([
                lead.Customer, value.ToString(forPeople ? "0.0" : "0.######", CultureInfo.InvariantCulture), grade ?? "", Stages(lead),
                forPeople ? TimeText.Show(lead.LastSeen) : lead.LastSeen.ToString(CultureInfo.InvariantCulture),
                lead.Events.ToString(CultureInfo.InvariantCulture),
                string.Join(' ', lead.Tags.Select(t => lead.JustHolds(t.Key) ? t.Key : $"{t.Key}={t.Value}")),
                .. reasons is null ? (string[])[] : [reason?.LastTouch ?? "", reason?.ToText() ?? ""]]);
        }
        if (format == FormatOption.Csv) Console.Out.Write(table.ToCsv());
        else table.Write();
        if (table.Count == 0) Console.Error.WriteLine(
            $"scrmstream: nobody is on the board of score {score} (it lists positive scores that have a half-life).");
    }
}
