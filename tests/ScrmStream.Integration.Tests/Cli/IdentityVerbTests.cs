using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Redis;

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

    /// <summary>
    /// Two unionids may be one customer, and no longer members of two scopes: Ann and Ben become one, who gets their tablet; the members that a
    /// phone joined part, and with them goes what only both together had.
    /// </summary>
    [LocalServersFact]
    public async Task Simulate_OtherLimits_SaysWhoMergesAndPartsAndWhatThatChanges()
    {
        var before = await StoredAsync();
        var answer = JsonDocument.Parse(await SimulateAsync(world.OtherLimits, "--format", "json")).RootElement;
        Assert.Equal((12, 6, 6), (answer.GetProperty("events").GetInt32(), Count(answer, "customers", "before"), Count(answer, "customers", "after")));
        var (merges, identifiers) = (answer.GetProperty("merges"), answer.GetProperty("identifiers"));
        Assert.Equal([[Ann, Ben]], Pairs(merges, "gained"));
        Assert.Equal([["member_id:s1:m", "member_id:s2:m"]], Pairs(merges, "lost"));
        Assert.Equal([[Ben, Ann], [Tablet, Ann]], Pairs(identifiers, "joining").OrderBy(p => p[0], StringComparer.Ordinal).Reverse());
        Assert.Equal([["member_id:s2:m", "member_id:s1:m"]], Pairs(identifiers, "leaving"));
        Assert.Equal((1, 1, 2, 1), (Count(answer, "merges", "gain"), Count(answer, "merges", "lose"),
            Count(answer, "identifiers", "join"), Count(answer, "identifiers", "leave")));
        Assert.Equal(["known_twice 0 1 2 0 0", "called_twice 2 1 0 2 0", "care 3 4 0 0 2"], answer.GetProperty("rules").EnumerateArray()
            .Select(r => string.Join(' ', ((string[])["rule", "before", "after", "gain", "lose", "change"]).Select(f => r.GetProperty(f).ToString()))));

        var text = await SimulateAsync(world.OtherLimits, "--examples", "0");
        Assert.Contains("merges\tidentity\t\t\t1\t1\t", text, StringComparison.Ordinal);
        // The limits that there are change nothing.
        var same = await SimulateAsync(world.SameLimits);
        Assert.All(same.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => !l.StartsWith("customers", StringComparison.Ordinal)),
            line => Assert.Matches(@"\t0\t0\t0?$", line));
        Assert.Equal(before, await StoredAsync());
    }

    [LocalServersTheory]
    [InlineData("{\n \"Pipeline\": {\n  \"Identity\": {\n   \"NeighboursMax\": 1 } } }", ":4:", "from 2 to 10,000")]
    [InlineData("{ \"Pipeline\": {\n \"Identity\": { \"ContactValuesMax\": \"many\" } } }", ":2:", "ContactValuesMax")]
    [InlineData("{ \"Pipeline\": { \"Identity\": { \"Kinds\": {\n \"phone\": {\n \"ValuesMax\": 500 } } } } }", ":3:", "give 1 to 100")]
    [InlineData("{ \"Pipeline\": { \"Identity\": { \"Kinds\": {\n \"shoe\": { \"ValuesMax\": 5 } } } } }", ":2:", "there is no such kind")]
    [InlineData("{ \"Pipeline\": { \"Identity\": {\n \"PhoneRegion\": \"1\" } } }", ":2:", "leave it out")]
    [InlineData("{ \"Pipeline\": { \"FlushEventsMax\": 5 } }", ":1:", "give ContactValuesMax")]
    [InlineData("{ \"Pipeline\":\n oops }", ":2:", "not JSON")]
    public async Task Simulate_BadLimits_EndsWith2AndNamesFileLineAndFix(string limits, string line, string fix)
    {
        var file = Path.Combine(world.Scrm.Home, $"bad-limits-{Guid.NewGuid():n}.json");
        await File.WriteAllTextAsync(file, limits);
        var outcome = await world.AskAsync("identities", "simulate", "--limits", file);
        Assert.Equal(2, outcome.Code);
        Assert.Contains($"{file}{line} ", outcome.Error, StringComparison.Ordinal);
        Assert.Contains(fix, outcome.Error, StringComparison.Ordinal);
    }

    private async Task<string> SimulateAsync(string limits, params string[] more)
    {
        var outcome = await world.AskAsync(["identities", "simulate", "--limits", limits, "--rules", world.CareRules, .. more]);
        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Contains("12 events folded", outcome.Error, StringComparison.Ordinal);
        return outcome.Output;
    }

    private static int Count(JsonElement answer, string of, string which) => answer.GetProperty(of).GetProperty(which).GetInt32();

    private static string[][] Pairs(JsonElement of, string which) => of.GetProperty(which).Deserialize<string[][]>()!;

    // All that the namespace has in Redis, and how many rows in ClickHouse.
    private async Task<string> StoredAsync()
    {
        await using var redis = await RedisConnection.OpenAsync(
            new RedisOptions { Address = world.Servers.Redis }, NullLogger.Instance, TimeProvider.System, default);
        var keys = redis.Primaries().Single().Keys(pattern: $"scrm:{IdentityWorld.Namespace}:*", pageSize: 1_000).Select(k => (string)k!);
        var dumps = new List<string>();
        foreach (var key in keys.Distinct().Order(StringComparer.Ordinal))
            dumps.Add($"{key} {Convert.ToHexString((await redis.Database.KeyDumpAsync(key))!)}");
        Assert.True(dumps.Count > 10, $"only {dumps.Count} keys");
        var rows = await world.AskAsync("sql", "SELECT table, sum(rows) FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table ORDER BY table",
            "--format", "tsv");
        return string.Join('\n', dumps) + rows.Output;
    }
}
