using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Queries;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Settings;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream funnel --stages</c>: how many leads came how far.</summary>
internal static class StageFunnel
{
    /// <summary>Which pipeline to count, and how.</summary>
    public sealed record Wish(string? Pipeline, string? By, DateTimeOffset? From, DateTimeOffset? To, bool Explain, string? Format);

    public static async Task<int> RunAsync(HostSettings settings, Wish wish, CancellationToken cancel)
    {
        if (!settings.HasClickHouse) throw Exits.NoAddress("ClickHouse", "--clickhouse http://");
        using var client = new ClickHouseClient(settings.ClickHouse);
        var pipeline = Choose(await StageFunnelQuery.PipelinesAsync(client, cancel), wish.Pipeline);
        var funnel = new StageFunnelOptions
        {
            Pipeline = pipeline.Name, Stages = pipeline.Funnel, By = wish.By, From = wish.From, To = wish.To,
        };
        var sql = Check(() => StageFunnelQuery.Sql(funnel));
        if (wish.Explain)
        {
            Console.WriteLine(sql);
            return Exits.Done;
        }
        var groups = await StageFunnelQuery.RunAsync(client, funnel, cancel);
        if (wish.Format == FormatOption.Json) Console.WriteLine(ToJson(pipeline, wish, groups));
        else Write(pipeline, wish, groups);
        return Exits.Done;
    }

    private static DescribedPipeline Choose(IReadOnlyList<DescribedPipeline> known, string? named)
    {
        var names = string.Join(", ", known.Select(p => p.Name));
        if (named is not null)
        {
            var found = known.FirstOrDefault(p => p.Name == named)
                ?? throw new SettingsException($"--pipeline {named}: the rules that ran last have {(names.Length == 0 ? "none" : names)}.");
            return found.Funnel.Count > 0
                ? found : throw new SettingsException($"--pipeline {named}: it has no 'funnel' in the rule file.");
        }
        var counted = known.Where(p => p.Funnel.Count > 0).ToList();
        return counted.Count switch
        {
            1 => counted[0],
            0 => throw new SettingsException(
                "The rules that ran last have no pipeline with a funnel: give run rules with 'stages' (docs/rules.md)."),
            _ => throw new SettingsException($"Which pipeline? Give --pipeline: {string.Join(", ", counted.Select(p => p.Name))}."),
        };
    }

    private static string Check(Func<string> write)
    {
        try
        {
            return write();
        }
        catch (FormatException e)
        {
            throw new SettingsException(e.Message);
        }
    }

    private static string ToJson(DescribedPipeline pipeline, Wish wish, IReadOnlyList<StageFunnelGroup> groups) => wish.By is null
        ? JsonSerializer.Serialize(new { pipeline = pipeline.Name, pipeline.Type, steps = Steps(pipeline, groups[0]) }, ResultTable.Json)
        : JsonSerializer.Serialize(new
        {
            pipeline = pipeline.Name, pipeline.Type, wish.By, groups = groups.Select(g => new { g.Value, steps = Steps(pipeline, g) }),
        }, ResultTable.Json);

    private static IEnumerable<object> Steps(DescribedPipeline pipeline, StageFunnelGroup group) => group.Steps.Select((s, i) => new
    {
        s.Stage, title = Title(pipeline, s.Stage), s.Leads, s.Direct,
        rate = i == 0 || group.Steps[i - 1].Leads == 0 ? (double?)null : Math.Round((double)s.Leads / group.Steps[i - 1].Leads, 6),
        s.TimeToComeMs, s.TimeInStageMs,
    });

    private static void Write(DescribedPipeline pipeline, Wish wish, IReadOnlyList<StageFunnelGroup> groups)
    {
        var isSplit = wish.By is not null;
        string[] columns =
            [.. isSplit ? (string[])[wish.By!] : [], "stage", "", "leads", "of previous", "direct", "time to come", "time in stage"];
        var table = new ResultTable(columns) { Numbers = ["leads", "of previous", "direct", "time to come", "time in stage"] };
        foreach (var group in groups)
        {
            for (var i = 0; i < group.Steps.Count; i++)
            {
                var step = group.Steps[i];
                var rate = i == 0 || group.Steps[i - 1].Leads == 0
                    ? "-" : ((double)step.Leads / group.Steps[i - 1].Leads).ToString("P1", CultureInfo.InvariantCulture);
                table.Add([
                    .. isSplit ? (string[])[group.Value ?? ""] : [], step.Stage, Title(pipeline, step.Stage), Number(step.Leads), rate,
                    Number(step.Direct), Span(step.TimeToComeMs), Span(step.TimeInStageMs)]);
            }
        }
        if (wish.Format == FormatOption.Csv) Console.Out.Write(table.ToCsv());
        else table.Write();
        if (wish.Format is null && !Console.IsOutputRedirected)
            Console.Error.WriteLine(
                "Each lead counts once, when it first reaches a stage behind those before; direct: came there without them. "
                + "Times are medians.");
    }

    private static string Title(DescribedPipeline pipeline, string stage) => pipeline.Titles[pipeline.Stages.ToList().IndexOf(stage)];

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Span(long? ms) => ms switch
    {
        null => "-",
        < 3_600_000 => string.Create(CultureInfo.InvariantCulture, $"{ms / 60_000.0:0.0} m"),
        < 86_400_000 => string.Create(CultureInfo.InvariantCulture, $"{ms / 3_600_000.0:0.0} h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{ms / 86_400_000.0:0.0} d"),
    };
}
