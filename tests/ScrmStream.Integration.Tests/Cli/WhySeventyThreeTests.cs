using System.Text.Json;

namespace ScrmStream.Integration.Cli;

/// <summary>docs/tutorials/why-73.md, step by step.</summary>
public sealed class WhySeventyThreeTests
{
    private const string Openid = "openid:wx-official-petshop:oOfficial-lin-xiaoman";

    [LocalServersFact]
    public async Task Tutorial_AfterTheDemo_TheLedgerIsTheValueInRedis()
    {
        await using var home = new TemporaryHome();
        var rules = ScrmProcess.InCheckout("schemas/rules/examples/petshop.yaml");
        await home.Scrm.OutputOfAsync("demo", "--keep", "--events", "500");

        var card = JsonDocument.Parse(await Ask("customer", Openid, "--format", "json")).RootElement;
        var scores = card.GetProperty("scores").EnumerateObject().Select(s => s.Name).ToArray();
        Assert.NotEmpty(scores);
        foreach (var score in scores)
        {
            var now = await ExplainAsync(score);
            Assert.True(now.GetProperty("stored").GetProperty("equal").GetBoolean(), now.ToString());
            Assert.Equal(now.GetProperty("value").GetDecimal(), Sum(now));
            Assert.NotEqual(0, now.GetProperty("ledger").GetArrayLength());

            var at = now.GetProperty("stored").GetProperty("at").GetInt64();
            var then = await ExplainAsync(score, "--as-of", at.ToString(System.Globalization.CultureInfo.InvariantCulture));
            Assert.Equal(then.GetProperty("stored").GetProperty("value").GetDecimal(), Sum(then));
            var before = await ExplainAsync(score, "--as-of", FirstTime(now).ToString(System.Globalization.CultureInfo.InvariantCulture));
            Assert.True(before.GetProperty("ledger").GetArrayLength() < now.GetProperty("ledger").GetArrayLength());
            Assert.Equal(before.GetProperty("value").GetDecimal(), Sum(before));
        }

        var text = await home.Scrm.RunAsync("customer", Openid, "--explain", scores[0], "--rules", rules);
        Assert.Equal(0, text.Code);
        Assert.Contains("the events give the same", text.Error, StringComparison.Ordinal);
        var none = await home.Scrm.RunAsync("customer", Openid, "--explain", "none", "--rules", rules);
        Assert.Equal(2, none.Code);
        Assert.Contains("the rules have no such score", none.Error, StringComparison.Ordinal);

        await AssertLedgerOfAllAsync(home, rules);
        await AssertStagesAsync(home, rules);

        async Task<JsonElement> ExplainAsync(string score, params string[] more) => JsonDocument.Parse(await Ask(
            ["customer", Openid, "--explain", score, "--rules", rules, "--format", "json", .. more])).RootElement;

        Task<string> Ask(params string[] arguments) => home.Scrm.OutputOfAsync(arguments);
    }

    // The ledger of everybody: the verb compares each customer with Redis, and the view has what it wrote.
    private static async Task AssertLedgerOfAllAsync(TemporaryHome home, string rules)
    {
        for (var round = 0; round < 2; round++)
        {
            var totals = JsonDocument.Parse(await home.Scrm.OutputOfAsync(
                "ledger", "--rules", rules, "--format", "json")).RootElement.EnumerateArray().ToList();
            Assert.Equal(["intent", "loyalty"], totals.Select(t => t.GetProperty("score").GetString()));
            foreach (var total in totals)
            {
                Assert.Equal((0, 0), (total.GetProperty("different").GetInt64(), total.GetProperty("in_motion").GetInt64()));
                Assert.True(total.GetProperty("equal").GetInt64() >= total.GetProperty("customers").GetInt64());
                var score = total.GetProperty("score").GetString();
                Assert.Equal(
                    $"{total.GetProperty("worth_micro")}\t{total.GetProperty("lines")}\t{total.GetProperty("customers")}\t1",
                    (await home.Scrm.OutputOfAsync("sql", "SELECT sum(worth_micro), countIf(line > 0), uniqExact(customer), uniqExact(rule_version) "
                        + $"FROM score_ledger WHERE score = '{score}'")).TrimEnd());
            }
        }
        var then = JsonDocument.Parse(await home.Scrm.OutputOfAsync(
            "ledger", "--rules", rules, "--score", "intent", "--as-of", "2026-03-01T12:00", "--format", "json"));
        Assert.Equal(0, then.RootElement[0].GetProperty("equal").GetInt64());
        Assert.Equal("1", (await home.Scrm.OutputOfAsync(
            "sql", "SELECT uniqExact(as_of) FROM score_ledger WHERE score = 'intent'")).TrimEnd());
    }

    private static async Task AssertStagesAsync(TemporaryHome home, string rules)
    {
        var funnel = JsonDocument.Parse(await home.Scrm.OutputOfAsync("funnel", "--stages", "--format", "json")).RootElement;
        Assert.Equal("sales", funnel.GetProperty("pipeline").GetString());
        var steps = funnel.GetProperty("steps").EnumerateArray().Select(s => s.GetProperty("leads").GetInt64()).ToList();
        Assert.Equal(6, steps.Count);
        Assert.True(steps[0] > 0 && steps.SequenceEqual(steps.OrderDescending()), string.Join(' ', steps));
        var split = JsonDocument.Parse(await home.Scrm.OutputOfAsync(
            "funnel", "--stages", "--by", "channel", "--format", "json")).RootElement.GetProperty("groups");
        Assert.Equal(steps[0], split.EnumerateArray().Sum(g => g.GetProperty("steps")[0].GetProperty("leads").GetInt64()));
        Assert.Contains("FROM leads_rows FINAL", await home.Scrm.OutputOfAsync("funnel", "--stages", "--explain"),
            StringComparison.Ordinal);
        var wrong = await home.Scrm.RunAsync("funnel", "--stages", "--by", "page");
        Assert.Equal(2, wrong.Code);

        var board = JsonDocument.Parse(await home.Scrm.OutputOfAsync(
            "leads", "--score", "intent", "--rules", rules, "--why", "--top", "5", "--format", "json")).RootElement;
        Assert.Equal(5, board.GetArrayLength());
        Assert.All(board.EnumerateArray(), l => Assert.NotEmpty(l.GetProperty("why").GetProperty("points").EnumerateArray()));
        Assert.Contains(board.EnumerateArray(), l => l.GetProperty("leads").TryGetProperty("sales", out _));
    }

    private static long FirstTime(JsonElement explained) =>
        explained.GetProperty("ledger").EnumerateArray().Min(l => l.GetProperty("time").GetInt64());

    private static decimal Sum(JsonElement explained) => explained.GetProperty("limits").GetDecimal()
        + explained.GetProperty("ledger").EnumerateArray().Sum(l => l.GetProperty("worth").GetDecimal());
}
