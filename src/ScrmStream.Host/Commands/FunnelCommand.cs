using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Queries;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Settings;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream funnel</c>: how many customers went how far.</summary>
internal static class FunnelCommand
{
    private const int BarCells = 24;

    public static Command Create()
    {
        var servers = new ServerOptions();
        var steps = new Argument<string?>("steps")
        {
            Description = "Event names in order, for example 'product_view > add_to_cart > order_paid'. Not with --stages.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var stages = new Option<bool>("--stages")
            { Description = "Counts leads by the stages of their pipeline instead; the rules of \"run\" say which ('funnel')." };
        var pipeline = new Option<string?>("--pipeline")
            { Description = "With --stages: which pipeline; needed when several have a funnel." };
        var window = new Option<string>("--window")
            { Description = "Time from the first step to the last, for example 30m, 24h, 7d.", DefaultValueFactory = _ => "7d" };
        var by = new Option<string?>("--by") { Description = "One funnel per value that this field has at the first step: channel, page, "
            + "campaign_source, ... or properties.NAME. With --stages: channel, source, campaign or inviter that made the lead, or the "
            + "day, week or month in which it was made." };
        var from = new Option<string?>("--from")
            { Description = $"The first step (with --stages: the making of the lead) is not before this: {TimeText.Help}." };
        var to = new Option<string?>("--to") { Description = "The first step is before this." };
        var knownAt = new Option<string?>("--known-at")
            { Description = $"Customers as they were known at this time, not now: {TimeText.Help}; a date is the end of its day." };
        var explain = new Option<bool>("--explain") { Description = "Prints the SQL instead of running it." };
        var format = FormatOption.Of(FormatOption.Json, FormatOption.Csv);
        var command = new Command("funnel",
            "Counts how many customers did the steps in this order within the window. Customers are those known now: "
            + "what somebody did before a login or under another identifier counts as theirs.")
        {
            steps, stages, pipeline, window, by, from, to, knownAt, explain, format,
        };
        servers.AddTo(command, clickHouse: true);
        command.Runs((parsed, cancel) => ClickHouseErrors.GuardAsync(async () =>
        {
            if (parsed.GetValue(stages))
            {
                if (parsed.GetValue(steps) is not null)
                    throw new SettingsException("--stages takes no steps: the rule file's 'funnel' has them.");
                return await StageFunnel.RunAsync(servers.Load(parsed), new StageFunnel.Wish(
                    parsed.GetValue(pipeline), parsed.GetValue(by), TimeText.Bound(parsed.GetValue(from), "--from"),
                    TimeText.Bound(parsed.GetValue(to), "--to"), parsed.GetValue(explain), parsed.GetValue(format)), cancel);
            }
            if (parsed.GetValue(steps) is null)
                throw new SettingsException("argument missing: the steps, as in 'product_view > add_to_cart > order_paid', or --stages.");
            var (funnel, sql) = Check(() => new FunnelOptions
            {
                Steps = FunnelOptions.ParseSteps(parsed.GetValue(steps)!), Window = FunnelOptions.ParseWindow(parsed.GetValue(window)!),
                By = parsed.GetValue(by), From = TimeText.Bound(parsed.GetValue(from), "--from"),
                To = TimeText.Bound(parsed.GetValue(to), "--to"), KnownAt = TimeText.KnownAt(parsed.GetValue(knownAt)),
            });
            return await RunAsync(servers.Load(parsed), funnel, sql, parsed.GetValue(explain), parsed.GetValue(format), cancel);
        }));
        return command;
    }

    private static (FunnelOptions Funnel, string Sql) Check(Func<FunnelOptions> read)
    {
        try
        {
            var funnel = read();
            return (funnel, FunnelQuery.Sql(funnel));
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentOutOfRangeException)
        {
            throw new SettingsException(e.Message);
        }
    }

    private static async Task<int> RunAsync(HostSettings settings, FunnelOptions funnel, string sql, bool explain, string? format,
        CancellationToken cancel)
    {
        if (explain)
        {
            Console.WriteLine(sql);
            return Exits.Done;
        }
        if (!settings.HasClickHouse) throw Exits.NoAddress("ClickHouse", "--clickhouse http://");
        using var client = new ClickHouseClient(settings.ClickHouse);
        var groups = await FunnelQuery.RunAsync(client, funnel, cancel);
        if (format == FormatOption.Json) Console.WriteLine(ToJson(funnel, groups));
        else Write(funnel, groups, format);
        return Exits.Done;
    }

    private static string ToJson(FunnelOptions funnel, IReadOnlyList<FunnelGroup> groups) => funnel.By is null
        ? JsonSerializer.Serialize(new { steps = groups.Count > 0 ? groups[0].Steps : [] }, ResultTable.Json)
        : JsonSerializer.Serialize(new { funnel.By, groups = groups.Select(g => new { g.Value, g.Steps }) }, ResultTable.Json);

    private static void Write(FunnelOptions funnel, IReadOnlyList<FunnelGroup> groups, string? format)
    {
        var isSplit = funnel.By is not null;
        var forPeople = format is null && !Console.IsOutputRedirected;
        string[] rates = forPeople ? ["of first", "of previous", ""] : [];
        string[] columns = [.. isSplit ? (string[])[funnel.By!] : [], "step", "customers", .. rates];
        var table = new ResultTable(columns) { Numbers = ["customers", "of first", "of previous"] };
        foreach (var group in groups)
        {
            for (var i = 0; i < group.Steps.Count; i++)
            {
                string[] figures = forPeople ? Figures(group, i) : [group.Steps[i].Customers.ToString(CultureInfo.InvariantCulture)];
                table.Add([.. isSplit ? (string[])[group.Value ?? ""] : [], group.Steps[i].Step, .. figures]);
            }
        }
        if (format == FormatOption.Csv) Console.Out.Write(table.ToCsv());
        else table.Write();
        if (forPeople && groups.All(g => g.Steps[0].Customers == 0)) Console.Error.WriteLine($"Nobody did {funnel.Steps[0]} in that time.");
    }

    private static string[] Figures(FunnelGroup group, int i)
    {
        var (first, previous, here) = (group.Steps[0].Customers, group.Steps[Math.Max(i - 1, 0)].Customers, group.Steps[i].Customers);
        var bar = first == 0 ? 0 : (int)Math.Ceiling((double)here / first * BarCells);
        return [here.ToString("N0", CultureInfo.InvariantCulture), Rate(here, first), Rate(here, previous), new string('█', bar)];
    }

    private static string Rate(long part, long whole) =>
        whole == 0 ? "-" : ((double)part / whole).ToString("P1", CultureInfo.InvariantCulture);
}
