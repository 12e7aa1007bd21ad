using System.Text;
using ScrmStream.ClickHouse;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;
using Xunit;

namespace ScrmStream.Integration.ClickHouse;

/// <summary>The metric views on a few events made by hand, with answers worked out by hand from schemas/clickhouse/metrics.md.</summary>
[Collection(ClickHouseCollection.Name)]
public sealed class MetricViewTests(ClickHouseFixture clickHouse)
{
    private const long Base = 1_767_225_600_000; // 2026-01-01 00:00 UTC
    private const long DayMs = 86_400_000, MinuteMs = 60_000;
    private const string January = "start = '2026-01-01', end = '2026-02-01'";

    private static readonly SourcePartition Topic = new(Guid.Empty, "t", 0);

    [ClickHouseFact]
    public async Task RepurchaseRate_CountsBuyersOfThePeriodWithTwoOrdersByItsEnd()
    {
        using var client = await WithEventsAsync(
            ("a", "order_paid", -40 * DayMs, 100), ("a", "order_paid", DayMs, 100), // twice, once before the period
            ("b", "order_paid", DayMs, 100), ("b", "order_paid", 31 * DayMs, 100), // the second lies behind the period
            ("c", "order_paid", 2 * DayMs, 100), ("c", "order_paid", 3 * DayMs, 100), // twice in it
            ("d", "order_paid", -DayMs, 100), ("d", "order_paid", -2 * DayMs, 100), // not in it
            ("e", "page_view", DayMs, null));
        Assert.Equal("3\t2\t0.667", await client.TextAsync($"SELECT buyers, repeated, round(rate, 3) FROM repurchase_rate({January})"));
        Assert.Equal("0\t\\N", await client.TextAsync("SELECT buyers, rate FROM repurchase_rate(start = '2030-01-01', end = '2031-01-01')"));
    }

    [ClickHouseFact]
    public async Task AverageSpend_IsPerBuyerAndPerOrder()
    {
        using var client = await WithEventsAsync(
            ("a", "order_paid", DayMs, 100), ("a", "order_paid", 2 * DayMs, 200), ("b", "order_paid", 3 * DayMs, 600),
            ("b", "order_paid", 40 * DayMs, 9_999), ("c", "page_view", DayMs, null));
        Assert.Equal("2\t3\t900\t450\t300", await client.TextAsync($"SELECT * FROM average_spend({January})"));
    }

    [ClickHouseFact]
    public async Task CustomerValue_IsPaidLessRefunds_OfTheCustomerKnownNow()
    {
        using var client = await WithEventsAsync(
            ("a", "order_paid", DayMs, 1_000), ("a2", "order_paid", 2 * DayMs, 500), ("a", "refund", 3 * DayMs, 300), ("b", "refund", DayMs, -200),
            ("a", "order_paid", 60 * DayMs, 7));
        Assert.Equal("2\t1500\t300\t1200", await client.TextAsync(
            "SELECT orders, paid_fen, refunded_fen, value_fen FROM customer_value(end = '2026-02-01') WHERE orders > 0 AND customer = '"
            + $"{IdOf("a")}'"));
        Assert.Equal("-200", await client.TextAsync($"SELECT value_fen FROM customer_value(end = '2026-02-01') WHERE customer = '{IdOf("b")}'"));
    }

    [ClickHouseFact]
    public async Task RetentionRate_CountsWhoComesBackInTheDaysAskedFor()
    {
        using var client = await WithEventsAsync(
            ("a", "x", 0, null), ("a", "x", DayMs, null), // to the millisecond one day later
            ("b", "x", 5, null), ("b", "x", DayMs, null), // five milliseconds too early
            ("c", "x", 5 * DayMs, null), ("c", "x", 7 * DayMs - 1, null), // within the second day
            ("d", "x", 5 * DayMs, null), ("d", "x", 7 * DayMs, null), // a day too late
            ("e", "x", -DayMs, null), ("e", "x", 0, null)); // first seen before the period
        Assert.Equal("4\t2\t0.5", await client.TextAsync($"SELECT * FROM retention_rate({January}, after_days = 1, within_days = 1)"));
        Assert.Equal("4\t3\t0.75", await client.TextAsync($"SELECT * FROM retention_rate({January}, after_days = 1, within_days = 2)"));
    }

    [ClickHouseFact]
    public async Task ChurnRate_CountsTheActiveWhoWereNotSeenLately()
    {
        using var client = await WithEventsAsync(
            ("a", "x", 5 * DayMs, null), ("a", "x", 15 * DayMs, null), // stays
            ("b", "x", 5 * DayMs, null), // lost
            ("c", "x", 10 * DayMs, null), // at the very border: in the days before, and not in the last ones
            ("d", "x", 15 * DayMs, null), // new
            ("e", "x", -DayMs, null), // lost long ago
            ("f", "x", 5 * DayMs, null), ("f", "x", 25 * DayMs, null)); // comes back behind the time asked for
        Assert.Equal("4\t3\t0.75", await client.TextAsync("SELECT * FROM churn_rate(at = '2026-01-21', days = 10)"));
    }

    [ClickHouseFact]
    public async Task ResponseTime_IsFromTheFirstQuestionToTheNextAnswer()
    {
        using var client = await WithEventsAsync(
            ("a", "consult", 0, null), ("a", "consult", 10 * MinuteMs, null), ("a", "message_sent", 30 * MinuteMs, null), // 30 minutes
            ("a", "consult", 60 * MinuteMs, null), ("a", "message_sent", 180 * MinuteMs, null), // two hours
            ("b", "message_sent", 0, null), ("b", "consult", MinuteMs, null), // never
            ("c", "consult", 40 * DayMs, null), ("d", "page_view", 0, null));
        Assert.Equal("3\t2\t120\t0.333", await client.TextAsync("SELECT questions, answered_questions, median_minutes, round(within_an_hour, 3) "
            + $"FROM response_time(questions = ['consult', 'message_received'], answers = ['message_sent'], {January})"));
    }

    [ClickHouseFact]
    public async Task InteractionRateAndSalesCycle_AreOfLeads()
    {
        using var client = await clickHouse.ClientWithSchemaAsync();
        var sink = await ClickHouseSink.OpenAsync(client, CancellationToken.None);
        await sink.WriteLeadsAsync(
        [
            Lead("a", ("listed", 0), ("assigned", DayMs), ("engaged", 2 * DayMs), ("won", 4 * DayMs)),
            Lead("b", ("listed", 0), ("assigned", DayMs), ("pool", 9 * DayMs)),
            Lead("c", ("listed", 0), ("engaged", DayMs), ("assigned", 2 * DayMs), ("won", 10 * DayMs)),
            Lead("d", ("listed", 20 * DayMs), ("assigned", 40 * DayMs), ("engaged", 41 * DayMs), ("won", 50 * DayMs)),
            Lead("e", ("listed", 0)),
        ], CancellationToken.None);
        Assert.Equal("3\t1\t0.333", await client.TextAsync("SELECT assigned, engaged, round(rate, 3) FROM interaction_rate(pipeline = 'sales', "
            + $"assigned = 'assigned', engaged = 'engaged', {January})"));
        Assert.Equal("2\t7\t10", await client.TextAsync($"SELECT * FROM sales_cycle(pipeline = 'sales', stage = 'won', {January})"));
    }

    private static CustomerLeads Lead(string who, params (string Stage, long AtMs)[] steps) => new(IdOf(who), "sales", "sales", 1)
    {
        Leads = [new PublishedLead($"lead-{who}", Base + steps[0].AtMs, "app", "", "", "")],
        Steps = [.. steps.Select((s, i) => new PublishedStep(
            0, s.Stage, i == 0 ? null : steps[i - 1].Stage, Base + s.AtMs, i == 0 ? "created" : "event", null))],
    };

    // What belongs to a2 belongs to a.
    private async Task<ClickHouseClient> WithEventsAsync(params (string Who, string Event, long AtMs, long? AmountFen)[] events)
    {
        var client = await clickHouse.ClientWithSchemaAsync();
        var sink = await ClickHouseSink.OpenAsync(client, CancellationToken.None);
        var builder = new EventBatchBuilder(events.Length);
        for (var i = 0; i < events.Length; i++)
            builder.Add(Topic, i, events[i].Event, Base + events[i].AtMs, [(TextOf(events[i].Who), true)], amountFen: events[i].AmountFen);
        await sink.WriteEventsAsync([builder.Batch], "t", CancellationToken.None);
        await sink.WriteIdentityMapAsync([new IdentityMapping(
            IdOf("a2"), Encoding.UTF8.GetBytes(TextOf("a2")), IdOf("a"), 1, Base)], CancellationToken.None);
        return client;
    }

    private static string TextOf(string name) => $"openid:wx1:{name}";

    private static IdentifierId IdOf(string name) => IdentifierId.Of(Encoding.UTF8.GetBytes(TextOf(name)));
}
