using System.Text;
using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Queries;
using ScrmStream.Identity;
using ScrmStream.Pipeline.Leads;
using ScrmStream.Rules;
using Xunit;

namespace ScrmStream.Integration.ClickHouse;

/// <summary>Leads in ClickHouse: the views of what was published last, and the funnel of stages against a plain loop.</summary>
[Collection(ClickHouseCollection.Name)]
public sealed class LeadTablesTests(ClickHouseFixture clickHouse)
{
    private const long Base = 1_767_225_600_000; // 2026-01-01 08:00 in Shanghai
    private const long DayMs = 86_400_000;
    private static readonly string[] Stages = ["listed", "assigned", "engaged", "won", "pool"];

    [ClickHouseFact]
    public async Task Views_OfALeadPublishedTwice_ShowWhatWasPublishedLast()
    {
        using var client = await clickHouse.ClientWithSchemaAsync();
        var sink = await ClickHouseSink.OpenAsync(client, CancellationToken.None);
        var old = Customer(1, version: 7, new PublishedStep(0, "pool", null, Base, "created", null));
        var now = Customer(1, version: 8,
            new(0, "listed", null, Base, "created", null), new(0, "assigned", "listed", Base + 1_500, "event", null),
            new(0, "assigned", "assigned", Base + DayMs, "reminder", "follow_up"), new(0, "won", "assigned", Base + 2 * DayMs, "after", null),
            new(1, "listed", null, Base + 3 * DayMs, "created", null));
        var gone = Customer(2, version: 5, new PublishedStep(0, "listed", null, Base, "created", null));
        await sink.WriteLeadsAsync([now, gone], CancellationToken.None);
        await sink.WriteLeadsAsync([old], CancellationToken.None);
        await sink.WriteLeadsAsync([new CustomerLeads(gone.Customer, "sales", "sales", 6)], CancellationToken.None);

        Assert.Equal(
            $"{now.Customer}\tsales\tlead-1-0\t1\t2026-01-01 00:00:00.000\tapp\ts0\tc\tfriend\twon\t2026-01-03 00:00:00.000\t0\n"
            + $"{now.Customer}\tsales\tlead-1-1\t2\t2026-01-04 00:00:00.000\tweb\ts1\tc\tfriend\tlisted\t2026-01-04 00:00:00.000\t1",
            await client.TextAsync("SELECT customer, type, lead, number, created_time, channel, source, campaign, inviter, stage, since, is_last "
                + "FROM leads ORDER BY number"));
        Assert.Equal(
            "lead-1-0\tlisted\t\\N\t0\tcreated\t1.5\nlead-1-0\tassigned\tlisted\t1.5\tevent\t172798.5\n"
            + "lead-1-0\twon\tassigned\t172800\tafter\t\\N\nlead-1-1\tlisted\t\\N\t259200\tcreated\t\\N",
            await client.TextAsync($"SELECT lead, stage, previous, (toUnixTimestamp64Milli(time) - {Base}) / 1000, kind, "
                + "(toUnixTimestamp64Milli(left_time) - toUnixTimestamp64Milli(time)) / 1000 FROM stage_changes ORDER BY lead, time"));
        Assert.Equal("lead-1-0\tassigned\tfollow_up\t2026-01-02 00:00:00.000",
            await client.TextAsync("SELECT lead, stage, reminder, time FROM lead_reminders"));
    }

    [ClickHouseFact]
    public async Task Funnel_OfRandomLeads_AgreesWithAPlainLoop()
    {
        var random = new Random(11);
        using var client = await clickHouse.ClientWithSchemaAsync();
        var sink = await ClickHouseSink.OpenAsync(client, CancellationToken.None);
        var customers = Enumerable.Range(0, 400).Select(n => Customer(n, 1, RandomSteps(random))).ToList();
        await sink.WriteLeadsAsync(customers, CancellationToken.None);
        string[] funnel = ["listed", "assigned", "engaged", "won"];
        foreach (var by in (string?[])[null, "channel", "source", "day", "week", "month"])
        {
            var (from, to) = by == "source" ? (Base + 5 * DayMs, Base + 25 * DayMs) : (0L, long.MaxValue);
            var options = new StageFunnelOptions
            {
                Pipeline = "sales", Stages = funnel, By = by, From = by == "source" ? DateTimeOffset.FromUnixTimeMilliseconds(from) : null,
                To = by == "source" ? DateTimeOffset.FromUnixTimeMilliseconds(to) : null,
            };
            var found = (await StageFunnelQuery.RunAsync(client, options, CancellationToken.None))
                .Select(g => $"{g.Value}: {string.Join(' ', g.Steps)}").Order(StringComparer.Ordinal);
            var leads = customers.SelectMany(c => c.Leads.Select((lead, i) => (lead, Steps: c.Steps.Where(s => s.Lead == i).ToList())))
                .Where(l => l.lead.CreatedMs >= from && l.lead.CreatedMs < to).GroupBy(l => Value(l.lead, by));
            var expected = leads.Select(g => $"{g.Key}: {string.Join(' ', Expected(funnel, [.. g.Select(l => l.Steps)]))}").Order(StringComparer.Ordinal);
            Assert.Equal(expected, found);
        }
    }

    [ClickHouseFact]
    public async Task Pipelines_WrittenTwice_AreThoseOfTheLastRules()
    {
        using var client = await clickHouse.ClientWithSchemaAsync();
        const string yaml = "stages:\n  - pipeline: p\n    type: sales\n    states: { a: 'It''s', b: 乙 }\n    create: [{ to: a, on: any }]\n"
            + "    transitions: [{ from: a, to: b, on: event = \"x\" }]\n";
        await PipelineTable.WriteAsync(client, RuleSet.Parse(yaml, "r").Pipelines, 1, CancellationToken.None);
        await PipelineTable.WriteAsync(client, RuleSet.Parse(yaml + "    funnel: [a, b]\n", "r").Pipelines, 2, CancellationToken.None);
        var pipeline = Assert.Single(await StageFunnelQuery.PipelinesAsync(client, CancellationToken.None));
        Assert.Equal(("p", "sales"), (pipeline.Name, pipeline.Type));
        Assert.Equal(["a", "b"], pipeline.Stages);
        Assert.Equal(["It's", "乙"], pipeline.Titles);
        Assert.Equal(["a", "b"], pipeline.Funnel);
    }

    private static List<StageFunnelStep> Expected(string[] funnel, List<List<PublishedStep>> leads)
    {
        var steps = new List<StageFunnelStep>();
        var reached = leads.ConvertAll(_ => (long?)0);
        for (var i = 0; i < funnel.Length; i++)
        {
            List<long> times = [], stays = [];
            long direct = 0;
            for (var lead = 0; lead < leads.Count; lead++)
            {
                var moves = leads[lead].Where(s => s.Step != "reminder").ToList();
                var before = reached[lead];
                reached[lead] = before is null ? null : moves.Where(m => m.Stage == funnel[i] && m.AtMs >= before).Select(m => (long?)m.AtMs).FirstOrDefault();
                if (reached[lead] is { } at) times.Add(at - before!.Value);
                else if (moves.Exists(m => m.Stage == funnel[i])) direct++;
                var stay = moves.SkipLast(1).Select((m, n) => m.Stage == funnel[i] ? moves[n + 1].AtMs - m.AtMs : 0).Sum();
                if (stay > 0) stays.Add(stay);
            }
            steps.Add(new StageFunnelStep(funnel[i], times.Count, direct, i == 0 ? null : Median(times), Median(stays)));
        }
        return steps;
    }

    // The upper one of two in the middle, as quantileExact takes it.
    private static long? Median(List<long> values) => values.Count == 0 ? null : values.Order().ElementAt(values.Count / 2);

    private static string Value(PublishedLead lead, string? by)
    {
        var day = DateTimeOffset.FromUnixTimeMilliseconds(lead.CreatedMs).ToOffset(TimeSpan.FromHours(8)).Date;
        return by switch
        {
            "channel" => lead.Channel, "source" => lead.Source, "day" => day.ToString("yyyy-MM-dd"), "month" => day.ToString("yyyy-MM"),
            "week" => day.AddDays(-((int)day.DayOfWeek + 6) % 7).ToString("yyyy-MM-dd"), _ => "",
        };
    }

    private static PublishedStep[] RandomSteps(Random random)
    {
        var steps = new List<PublishedStep>();
        var timeMs = Base + random.NextInt64(20 * DayMs);
        for (var lead = 0; lead < random.Next(1, 4); lead++)
        {
            string? stage = null;
            for (var n = random.Next(1, 8); n > 0; n--)
            {
                if (stage is not null && random.Next(5) == 0) steps.Add(new PublishedStep(lead, stage, stage, timeMs += random.Next(1, 9_999_999), "reminder", "r"));
                var next = stage is null || random.Next(3) > 0 ? Stages[Math.Min(4, stage is null ? 0 : Array.IndexOf(Stages, stage) + 1)] : Stages[random.Next(5)];
                steps.Add(new PublishedStep(lead, next, stage, timeMs += random.Next(1, 99_999_999), stage is null ? "created" : "event", null));
                stage = next;
            }
        }
        return [.. steps];
    }

    private static CustomerLeads Customer(int number, ulong version, params PublishedStep[] steps) =>
        new(IdentifierId.Of(Encoding.UTF8.GetBytes($"member_id::{number}")), "sales", "sales", version)
        {
            Leads = [.. steps.GroupBy(s => s.Lead).Select(g => new PublishedLead(
                $"lead-{number}-{g.Key}", g.First().AtMs, g.Key % 2 == 0 ? "app" : "web", $"s{g.Key}", "c", "friend"))],
            Steps = steps,
        };
}
