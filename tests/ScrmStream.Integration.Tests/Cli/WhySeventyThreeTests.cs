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

        var text = await home.Scrm.RunAsync("customer", Openid, "--explain", scores[0], "--rules", rules, "--namespace", "demo1");
        Assert.Equal(0, text.Code);
        Assert.Contains("the events give the same", text.Error, StringComparison.Ordinal);
        var none = await home.Scrm.RunAsync("customer", Openid, "--explain", "none", "--rules", rules, "--namespace", "demo1");
        Assert.Equal(2, none.Code);
        Assert.Contains("the rules have no such score", none.Error, StringComparison.Ordinal);

        async Task<JsonElement> ExplainAsync(string score, params string[] more) => JsonDocument.Parse(await Ask(
            ["customer", Openid, "--explain", score, "--rules", rules, "--format", "json", .. more])).RootElement;

        Task<string> Ask(params string[] arguments) => home.Scrm.OutputOfAsync([.. arguments, "--namespace", "demo1"]);
    }

    private static long FirstTime(JsonElement explained) =>
        explained.GetProperty("ledger").EnumerateArray().Min(l => l.GetProperty("time").GetInt64());

    private static decimal Sum(JsonElement explained) => explained.GetProperty("limits").GetDecimal()
        + explained.GetProperty("ledger").EnumerateArray().Sum(l => l.GetProperty("worth").GetDecimal());
}
