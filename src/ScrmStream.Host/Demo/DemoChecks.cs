using System.Globalization;
using System.Text;
using ScrmStream.ClickHouse.Queries;
using ScrmStream.Host.Generation;
using ScrmStream.Identity;

namespace ScrmStream.Host.Demo;

/// <summary>One thing that is compared: what the generator knows against what the stores hold.</summary>
public readonly record struct DemoCheck(string What, string Expected, string Found)
{
    public bool Holds => Expected == Found;
}

/// <summary>Compares what was produced with ClickHouse, Redis and the pipeline's own counts.</summary>
public static class DemoChecks
{
    public static async Task<List<DemoCheck>> RunAsync(DemoStage stage, PetShopTruth truth, CancellationToken cancel)
    {
        var counters = stage.Pipeline.Counters;
        var totals = await stage.Views.CountAsync(cancel);
        var checks = new List<DemoCheck>
        {
            Numbers("events the service counted", truth.Events, counters.DurableEvents),
            Numbers("accepted", truth.Accepted, counters.Accepted),
        };
        checks.AddRange(truth.Rejected.OrderBy(r => r.Key, StringComparer.Ordinal)
            .Select(r => Numbers($"rejected: {r.Key}", r.Value, RejectedAs(stage, r.Key))));
        await AddAsync("rows in ClickHouse", truth.Rows, "SELECT count() FROM events");
        await AddAsync("distinct coordinates", truth.Rows, "SELECT uniqExact(topic_id, partition, offset, index) FROM events");
        await AddAsync("fen paid", truth.PaidFen, "SELECT sumIf(amount_fen, event = 'order_paid') FROM events");
        checks.Add(Numbers("identifiers in Redis", truth.Identifiers, totals.Identifiers));
        checks.Add(Numbers("customers in Redis", truth.Customers, totals.Customers));
        await AddAsync("customers in ClickHouse", truth.Customers, "SELECT uniqExact(customer) FROM events_resolved");
        checks.Add(Numbers("tags in Redis", truth.TagsTotal, totals.Tags));
        checks.AddRange(await TagChecksAsync(stage, truth, cancel));
        checks.AddRange(await LeadChecksAsync(stage, truth, cancel));
        return checks;

        async Task AddAsync(string what, long expected, string sql) =>
            checks.Add(Numbers(what, expected, await NumberAsync(stage, sql, cancel)));
    }

    private static async Task<IEnumerable<DemoCheck>> TagChecksAsync(DemoStage stage, PetShopTruth truth, CancellationToken cancel)
    {
        const string Sql = "SELECT DISTINCT customer FROM identity_map WHERE customer IS NOT NULL";
        var answer = await stage.ClickHouse.QueryAsync(Sql, "TabSeparated", cancel);
        var ids = Encoding.UTF8.GetString(answer).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(hex => IdentifierId.TryParse(hex, out var id)
                ? id
                : throw new InvalidDataException($"identity_map has the customer id {hex}"))
            .ToList();
        var cards = await stage.Customers.ReadManyAsync(ids, truth.Events, cancel);
        var found = cards.Where(c => c is not null).SelectMany(c => c!.Tags.Keys).CountBy(t => t).ToDictionary();
        return truth.Tags.OrderBy(t => t.Key, StringComparer.Ordinal)
            .Select(t => Numbers($"customers tagged {t.Key}", t.Value, found.GetValueOrDefault(t.Key)));
    }

    private static async Task<IEnumerable<DemoCheck>> LeadChecksAsync(DemoStage stage, PetShopTruth truth, CancellationToken cancel)
    {
        var pipeline = stage.Rules.Pipelines[0];
        var funnel = new StageFunnelOptions { Pipeline = pipeline.Name, Stages = pipeline.Funnel };
        var steps = (await StageFunnelQuery.RunAsync(stage.ClickHouse, funnel, cancel))[0].Steps;
        return steps.Select(s => Numbers($"leads that came to {s.Stage}", truth.LeadFunnel[s.Stage], s.Leads))
            .Append(Numbers("direct deals", truth.DirectDeals, steps.First(s => s.Stage == "won").Direct));
    }

    private static long RejectedAs(DemoStage stage, string word) => Enum.GetValues<Events.RejectReason>()
        .Where(r => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(r.ToString()) == word)
        .Sum(stage.Pipeline.Counters.RejectedBy);

    private static DemoCheck Numbers(string what, long expected, long found) =>
        new(what, expected.ToString("N0", CultureInfo.InvariantCulture), found.ToString("N0", CultureInfo.InvariantCulture));

    private static async Task<long> NumberAsync(DemoStage stage, string sql, CancellationToken cancel)
    {
        var answer = await stage.ClickHouse.QueryAsync(sql, "TabSeparated", cancel);
        return long.Parse(Encoding.UTF8.GetString(answer).Trim(), CultureInfo.InvariantCulture);
    }
}
