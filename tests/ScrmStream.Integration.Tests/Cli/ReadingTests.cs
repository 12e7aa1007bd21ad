using System.Text.Json;
using ScrmStream.Identity;

namespace ScrmStream.Integration.Cli;

/// <summary>The verbs that read, on a small loaded store.</summary>
[Collection(LoadedStackCollection.Name)]
public sealed class ReadingTests(LoadedStack stack)
{
    private static readonly string AnnId = IdentifierId.Of("unionid:wx:ann"u8).ToString();

    [LocalServersFact]
    public async Task Funnel_Redirected_IsTabSeparated() =>
        Assert.Equal("product_view\t2\norder_paid\t1\n", await stack.Scrm.OutputOfAsync("funnel", "product_view > order_paid"));

    [LocalServersFact]
    public async Task Funnel_Json_HasTheContractsShape()
    {
        Assert.Equal(
            """{"steps":[{"step":"product_view","customers":2},{"step":"order_paid","customers":1}]}""",
            (await stack.Scrm.OutputOfAsync("funnel", "product_view > order_paid", "--window", "1d", "--format", "json")).Trim());
        Assert.Equal(
            """{"by":"channel","groups":[{"value":"app","steps":[{"step":"product_view","customers":1},{"step":"order_paid","customers":0}]},{"value":"web","steps":[{"step":"product_view","customers":1},{"step":"order_paid","customers":1}]}]}""",
            (await stack.Scrm.OutputOfAsync("funnel", "product_view > order_paid", "--by", "channel", "--format", "json")).Trim());
    }

    [LocalServersFact]
    public async Task Funnel_FirstStepOutsideFromAndTo_DoesNotCount()
    {
        var to = (LoadedStack.StartMs + 3_600_000).ToString(System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal("product_view\t1\n", await stack.Scrm.OutputOfAsync("funnel", "product_view", "--from", "2026-03-01", "--to", to));
        Assert.Equal("product_view\t0\n", await stack.Scrm.OutputOfAsync("funnel", "product_view", "--from", "2026-03-02"));
    }

    [LocalServersFact]
    public async Task Sql_EachFormat_IsWhatProgramsExpect()
    {
        const string query = "SELECT event, count() AS n FROM events GROUP BY event ORDER BY event";
        Assert.Equal("login\t1\norder_paid\t1\nproduct_view\t2\n", await stack.Scrm.OutputOfAsync("sql", query));
        Assert.Equal("\"event\",\"n\"\n\"login\",1\n\"order_paid\",1\n\"product_view\",2\n",
            await stack.Scrm.OutputOfAsync("sql", query, "--format", "csv"));
        Assert.Equal(
            """[{"event":"login","n":1},{"event":"order_paid","n":1},{"event":"product_view","n":2}]""",
            (await stack.Scrm.OutputOfAsync("sql", query, "--format", "json")).Trim());
        Assert.Contains("│ login", await stack.Scrm.OutputOfAsync("sql", query, "--format", "table"), StringComparison.Ordinal);
    }

    [LocalServersFact]
    public async Task Sql_Wrong_EndsWith1AndShowsTheServersMessage()
    {
        var outcome = await stack.Scrm.RunAsync("sql", "SELECT shoe_size FROM events");
        Assert.Equal((1, ""), (outcome.Code, outcome.Output));
        Assert.Contains("Unknown expression identifier `shoe_size`", outcome.Error, StringComparison.Ordinal);
    }

    [LocalServersFact]
    public async Task Customer_ByAnyIdentifierAndById_IsTheSame()
    {
        var byCookie = await CustomerAsync("cookie:shop:c1");
        Assert.Equal(byCookie.ToString(), (await CustomerAsync("unionid:wx:ann")).ToString());
        Assert.Equal(byCookie.ToString(), (await CustomerAsync(AnnId)).ToString());

        Assert.Equal(AnnId, byCookie.GetProperty("customer").GetString());
        Assert.Equal(
            """[{"kind":"unionid","scope":"wx","value":"ann"},{"kind":"cookie","scope":"shop","value":"c1"}]""", byCookie.GetProperty("identifiers").GetRawText());
        // Only the rules know that "1" of this tag is a number of orders.
        Assert.Equal("""{"buyer":true,"orders":true}""", byCookie.GetProperty("tags").GetRawText());
        var withRules = await CustomerAsync("cookie:shop:c1", "--rules", stack.RuleFile);
        Assert.Equal("""{"buyer":true,"orders":"1"}""", withRules.GetProperty("tags").GetRawText());
        Assert.Equal(LoadedStack.StartMs, byCookie.GetProperty("first_seen").GetInt64());
        Assert.Equal(LoadedStack.StartMs + 7_200_000, byCookie.GetProperty("last_seen").GetInt64());
        Assert.Equal(3, byCookie.GetProperty("events").GetInt64());
    }

    [LocalServersFact]
    public async Task Customer_ByAnotherWritingOfAPhone_IsTheSame() => Assert.Equal(
        (await CustomerAsync("phone::+8613912345678")).ToString(), (await CustomerAsync("phone::0086 139-1234-5678")).ToString());

    [LocalServersFact]
    public async Task Customer_WithoutClickHouse_FindsTheSameIdentifiersOverTheCells()
    {
        using var home = new EmptyHome();
        var away = await home.Scrm.OutputOfAsync("customer", "cookie:shop:c1", "--as-of", "2026-03-11", "--format", "json", "--redis",
            stack.Servers.Redis);
        Assert.Equal((await CustomerAsync("cookie:shop:c1")).GetRawText(), away.Trim());
    }

    [LocalServersFact]
    public async Task Customer_AsOf_DecaysScoresAndWithRulesGradesToo()
    {
        // 10 points at 00:00 and 80 at 02:00 on March 1st; ten days after the order they are half of what they were then.
        const string tenDaysLater = "2026-03-11T02:00:00+08:00";
        var stored = Score(await CustomerAsync(AnnId, "--as-of", tenDaysLater));
        Assert.Equal((80 + 10 * Math.Pow(2, -2 / 240.0)) / 2, stored.Value, 4);
        Assert.Equal("A", stored.Grade);
        var regraded = Score(await CustomerAsync(AnnId, "--as-of", tenDaysLater, "--rules", stack.RuleFile));
        Assert.Equal(stored.Value, regraded.Value, 4);
        Assert.Equal("B", regraded.Grade);
        Assert.Null(Score(await CustomerAsync(AnnId, "--as-of", "2027-03-11", "--rules", stack.RuleFile)).Grade);
    }

    [LocalServersFact]
    public async Task Customer_Unknown_EndsWith1AndSaysSo()
    {
        var outcome = await stack.Scrm.RunAsync("customer", "unionid:wx:nobody");
        Assert.Equal((1, ""), (outcome.Code, outcome.Output));
        Assert.Contains("no customer is known by unionid:wx:nobody", outcome.Error, StringComparison.Ordinal);
    }

    [LocalServersFact]
    public async Task Leads_BestFirst_WithGradeAndTags()
    {
        using var json = JsonDocument.Parse(await stack.Scrm.OutputOfAsync("leads", "--as-of", "2026-03-02", "--format", "json"));
        var leads = json.RootElement.EnumerateArray().ToList();
        Assert.Equal(AnnId, leads[0].GetProperty("customer").GetString());
        Assert.Equal(("A", "B"), (leads[0].GetProperty("grade").GetString(), leads[1].GetProperty("grade").GetString()));
        Assert.True(leads[0].GetProperty("tags").GetProperty("buyer").GetBoolean());
        Assert.Equal(2, leads.Count);
        Assert.Single((await stack.Scrm.OutputOfAsync("leads", "--score", "intent", "--top", "1"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [LocalServersFact]
    public async Task DeadLetters_ByReason_ShowTheBytes()
    {
        using var json = JsonDocument.Parse(
            await stack.Scrm.OutputOfAsync("dead-letters", "list", "--reason", "not_decodable", "--format", "json"));
        var letter = json.RootElement.EnumerateArray().Single();
        Assert.Equal(("not json", 4L), (letter.GetProperty("raw").GetString(), letter.GetProperty("offset").GetInt64()));
        Assert.Equal("", await stack.Scrm.OutputOfAsync("dead-letters", "list", "--reason", "too_large"));
    }

    [LocalServersFact]
    public async Task Status_AfterARun_CountsWhatIsStored()
    {
        using var json = JsonDocument.Parse(await stack.Scrm.OutputOfAsync("status", "--format", "json"));
        var stored = json.RootElement.GetProperty("servers").EnumerateArray()
            .ToDictionary(s => s.GetProperty("server").GetString()!, s => s.GetProperty("stored"));
        Assert.Equal(0, stored["kafka"].GetProperty("lag").GetInt64());
        Assert.Equal("""{"identifiers":3,"customers":2,"tags":2}""", stored["redis"].GetRawText());
        Assert.Equal((4L, 1L),
            (stored["clickhouse"].GetProperty("events").GetInt64(), stored["clickhouse"].GetProperty("dead_letters").GetInt64()));
    }

    [LocalServersFact]
    public async Task Doctor_AllWell_EndsWith0_AndWith1WhenATopicIsMissing()
    {
        var well = await stack.Scrm.OutputOfAsync("doctor", "--topics", "events", "--rules", stack.RuleFile);
        Assert.All(well.Split('\n', StringSplitOptions.RemoveEmptyEntries), line =>
            Assert.StartsWith("ok\t", line, StringComparison.Ordinal));
        var missing = await stack.Scrm.RunAsync("doctor", "--topics", "nowhere");
        Assert.Equal(1, missing.Code);
        Assert.Contains("problem\tKafka topic\tnowhere is not there", missing.Output, StringComparison.Ordinal);
    }

    private async Task<JsonElement> CustomerAsync(string who, params string[] more)
    {
        string[] asOf = more.Length == 0 ? ["--as-of", "2026-03-11"] : more;
        return JsonDocument.Parse(await stack.Scrm.OutputOfAsync(["customer", who, "--format", "json", .. asOf])).RootElement;
    }

    private static (double Value, string? Grade) Score(JsonElement customer)
    {
        var score = customer.GetProperty("scores").GetProperty("intent");
        return (score.GetProperty("value").GetDouble(), score.GetProperty("grade").GetString());
    }

    private sealed class EmptyHome : IDisposable
    {
        public ScrmProcess Scrm { get; } = new(Directory.CreateTempSubdirectory("scrm-home-").FullName);

        public void Dispose() => Directory.Delete(Scrm.Home, recursive: true);
    }
}
