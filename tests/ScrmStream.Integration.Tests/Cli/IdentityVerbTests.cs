using System.Text.Json;

namespace ScrmStream.Integration.Cli;

/// <summary><c>why</c>, <c>unlink</c> and <c>identities</c> where identity said no.</summary>
[Collection(LoadedStackCollection.Name)]
public sealed class IdentityVerbTests(IdentityWorld world) : IClassFixture<IdentityWorld>
{
    private const string Ann = "unionid:w:ann", Ben = "unionid:w:ben", AnnsPhone = "phone::+8613900000001", Tablet = "device_id:shop:tablet";

    [LocalServersFact]
    public async Task Why_OneCustomer_ShowsTheEventBehindTheLink()
    {
        var outcome = await world.AskAsync("why", AnnsPhone, Ann, "--format", "json");
        Assert.Equal(0, outcome.Code);
        var answer = JsonDocument.Parse(outcome.Output).RootElement;
        Assert.True(answer.GetProperty("one_customer").GetBoolean());
        var link = Assert.Single(answer.GetProperty("path").EnumerateArray());
        Assert.Equal((AnnsPhone, Ann, true), (link.GetProperty("from").GetString(), link.GetProperty("to").GetString(), link.GetProperty("joins").GetBoolean()));
        Assert.Equal(LoadedStack.StartMs, link.GetProperty("first_time").GetInt64());
        var shownBy = link.GetProperty("shown_by");
        Assert.Equal("login", shownBy.GetProperty("event").GetString());
        Assert.Equal("identities", shownBy.GetProperty("topic").GetString());
        Assert.InRange(shownBy.GetProperty("offset").GetInt64(), 0, 12);
    }

    [LocalServersFact]
    public async Task Why_IdsOfCustomersAndNoClickHouse_IsAnsweredByCoordinates()
    {
        var id = ScrmStream.Identity.IdentifierId.Of("unionid:w:ann"u8).ToString();
        var outcome = await world.AskAsync("why", id, AnnsPhone, "--clickhouse", "http://127.0.0.1:1");
        Assert.Equal(0, outcome.Code);
        Assert.Contains($"{Ann} and {AnnsPhone} are one customer, {id}.", outcome.Output, StringComparison.Ordinal);
        Assert.Matches(@"an event at partition id [0-9a-f]{16} offset \d+, index 0", outcome.Output);
        Assert.Contains("ClickHouse", outcome.Error, StringComparison.Ordinal);
    }

    [LocalServersTheory]
    [InlineData(Ann, Ben, "limit of one unionid per scope w: unionid:w:ann and unionid:w:ben")]
    [InlineData(Ann, Tablet, "device_id:shop:tablet is linked to the customers of")]
    [InlineData(Ann, "unionid:w:cat", "no evidence connects them")]
    [InlineData("unionid:w:cat", "phone::+8613900000002", "with phone::+8613900000002 marked verified: false")]
    [InlineData(Ann, "unionid:w:nobody", "no event with unionid:w:nobody was accepted")]
    [InlineData("member_id:s3:m", "phone::+8613900000020", "by identity_unbind of member_id:s3:m alone")]
    public async Task Why_TwoCustomers_EndsWith1AndNamesTheRule(string a, string b, string rule)
    {
        var outcome = await world.AskAsync("why", a, b);
        Assert.Equal(1, outcome.Code);
        Assert.Contains(rule, outcome.Output, StringComparison.Ordinal);
    }

    [LocalServersFact]
    public async Task Unlink_NoLinkBetweenThem_EndsWith1AndListsTheWay()
    {
        var outcome = await world.AskAsync("unlink", "member_id:s1:m", "member_id:s2:m");
        Assert.Equal(1, outcome.Code);
        Assert.Equal(["member_id:s1:m", "phone::+8613900000020", "member_id:s2:m"],
            outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => !l.Contains('|')).Select(l => l.Trim()));
        Assert.Contains("Name the two ends", outcome.Error, StringComparison.Ordinal);
    }

    [LocalServersFact]
    public async Task Conflicts_OfTheNamespace_AreTheRefusedLinks()
    {
        var outcome = await world.AskAsync("identities", "conflicts", "--format", "json");
        Assert.Equal(0, outcome.Code);
        var answer = JsonDocument.Parse(outcome.Output).RootElement;
        Assert.Equal(1, answer.GetProperty("total").GetInt32());
        var conflict = answer.GetProperty("conflicts")[0];
        Assert.Equal([AnnsPhone, Ben], new[] { conflict.GetProperty("a").GetString(), conflict.GetProperty("b").GetString() }.Order());
        Assert.Equal(LoadedStack.StartMs + 3_600_000, conflict.GetProperty("order_time").GetInt64());
    }

    /// <summary>The phone of three members has two left, for one was unbound alone, which only that one's own cell says.</summary>
    [LocalServersFact]
    public async Task Quarantined_BeyondTheLimit_AreCountedExactly()
    {
        var crowded = await world.AskAsync("identities", "quarantined", "--format", "json", "--config", world.CrowdedFrom3);
        Assert.Equal("""{"total":1,"quarantined":[{"kind":"member_id","identifier":"member_id:s:many","strong_neighbours":3,"device_neighbours":0}]}""",
            crowded.Output.Trim());
        Assert.Contains("\"total\":0", (await world.AskAsync("identities", "quarantined", "--format", "json")).Output, StringComparison.Ordinal);
    }

    [LocalServersFact]
    public async Task Release_IdentifierThatNobodyNamed_EndsWith1AndPublishesNothing()
    {
        var outcome = await world.AskAsync("identities", "release", "unionid:w:nobody");
        Assert.Equal(1, outcome.Code);
        Assert.Contains("no event with unionid:w:nobody", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("scrm.identities.decisions is there", (await world.AskAsync("doctor")).Output, StringComparison.Ordinal);
    }
}
