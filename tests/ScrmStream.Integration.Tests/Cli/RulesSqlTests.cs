using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Identity;
using ScrmStream.Redis;

namespace ScrmStream.Integration.Cli;

/// <summary><c>rules sql</c> and <c>rules audit</c> on servers that <c>run</c> has filled.</summary>
[Collection(LoadedStackCollection.Name)]
public sealed class RulesSqlTests(LoadedStack stack)
{
    [LocalServersFact]
    public async Task Audit_AfterARun_FindsNothing()
    {
        var audit = JsonDocument.Parse(await stack.Scrm.OutputOfAsync("rules", "audit", "--rules", stack.RuleFile, "--format", "json"))
            .RootElement;
        Assert.Equal((2, 0, 0), (Number(audit, "customers"), Number(audit, "differences"), Number(audit, "in_motion")));
        var members = audit.GetProperty("rules").EnumerateArray().ToDictionary(
            r => r.GetProperty("rule").GetString()!, r => Number(r, "members"));
        Assert.Equal((1, 1, 2), (members["buyer"], members["orders"], members["intent"]));
    }

    [LocalServersFact]
    public async Task Audit_WithOtherRules_NamesWhatDiffers()
    {
        var other = Path.Combine(stack.Scrm.Home, "other.yaml");
        await File.WriteAllTextAsync(other, LoadedStack.Rules
            .Replace("seen(event = \"order_paid\")", "seen(event = \"product_view\")", StringComparison.Ordinal)
            .Replace("add: 80", "add: 81", StringComparison.Ordinal));
        var outcome = await stack.Scrm.RunAsync("rules", "audit", "--rules", other, "--format", "json");
        Assert.Equal(1, outcome.Code);
        var rules = JsonDocument.Parse(outcome.Output).RootElement.GetProperty("rules").EnumerateArray()
            .ToDictionary(r => r.GetProperty("rule").GetString()!, r => Number(r, "differences"));
        // Ben looks and does not buy; Ann bought, and her cookie looked.
        Assert.Equal((1, 1), (rules["buyer"], rules["intent"]));

        var diff = JsonDocument.Parse(await stack.Scrm.OutputOfAsync("rules", "diff", stack.RuleFile, other, "--format", "json"))
            .RootElement.GetProperty("rules").EnumerateArray().ToDictionary(r => r.GetProperty("rule").GetString()!);
        Assert.Equal((1, 2, 1, 0, 0), Changes(diff["buyer"]));
        Assert.Equal((2, 2, 0, 0, 1), Changes(diff["intent"]));
        Assert.Equal((1, 1, 0, 0, 0), Changes(diff["orders"]));
    }

    /// <summary>An event that comes late moves no watermark, and may be in one store before it is in the other.</summary>
    [LocalServersFact]
    public async Task Audit_AViewThatFollowsMeanwhile_IsNoDifference()
    {
        var ben = IdentifierId.Of("phone::+8613912345678"u8);
        await using var redis = await RedisConnection.OpenAsync(
            new RedisOptions { Address = stack.Servers.Redis }, NullLogger.Instance, TimeProvider.System, default);
        var view = redis.Keys.View(ben);
        var events = await redis.CallAsync(db => db.HashGetAsync(view, "events"), default);
        await redis.CallAsync(db => db.HashSetAsync(view, "events", "0"), default);
        var audit = stack.Scrm.RunAsync("rules", "audit", "--rules", stack.RuleFile);
        try
        {
            await Task.Delay(TimeSpan.FromSeconds(2));
            Assert.False(audit.IsCompleted, "it did not look again");
        }
        finally
        {
            await redis.CallAsync(db => db.HashSetAsync(view, "events", events), default);
        }
        Assert.Equal(0, (await audit).Code);
    }

    private static (long, long, long, long, long) Changes(JsonElement rule) =>
        (Number(rule, "before"), Number(rule, "after"), Number(rule, "gain"), Number(rule, "lose"), Number(rule, "change"));

    [LocalServersFact]
    public async Task Sql_OfATag_RunsAsItIsPrinted()
    {
        var sql = await stack.Scrm.OutputOfAsync("rules", "sql", "orders", "--rules", stack.RuleFile);
        var rows = JsonDocument.Parse(await stack.Scrm.OutputOfAsync("sql", sql, "--format", "json")).RootElement;
        Assert.Equal("1", rows.EnumerateArray().Single().GetProperty("value").GetString());
        var before = await stack.Scrm.OutputOfAsync(
            "rules", "sql", "orders", "--rules", stack.RuleFile, "--as-of", $"{LoadedStack.StartMs + 3_600_000}");
        Assert.Empty(JsonDocument.Parse(await stack.Scrm.OutputOfAsync("sql", before, "--format", "json")).RootElement.EnumerateArray());
        var unknown = await stack.Scrm.RunAsync("rules", "sql", "nobody", "--rules", stack.RuleFile);
        Assert.Equal(2, unknown.Code);
    }

    /// <summary>What SQL foretells of a rule that does not run yet.</summary>
    [LocalServersFact]
    public async Task NewRule_InASecondNamespace_HasTheMembersThatSqlForetold()
    {
        var rules = Path.Combine(stack.Scrm.Home, "new-rules.yaml");
        await File.WriteAllTextAsync(rules, LoadedStack.Rules.Replace(
            "scores:", "  - tag: looker\n    when: seen(event = \"product_view\", within 30d)\nscores:", StringComparison.Ordinal));

        var sql = await stack.Scrm.OutputOfAsync("rules", "sql", "looker", "--rules", rules);
        var foretold = (await stack.Scrm.OutputOfAsync("sql", sql, "--format", "tsv")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, foretold.Length);
        var diff = JsonDocument.Parse(await stack.Scrm.OutputOfAsync("rules", "diff", stack.RuleFile, rules, "--format", "json")).RootElement
            .GetProperty("rules").EnumerateArray().ToDictionary(r => r.GetProperty("rule").GetString()!);
        Assert.Equal((0, 2, 2, 0, 0), Changes(diff["looker"]));
        Assert.All(diff.Where(d => d.Key != "looker"), d => Assert.Equal(Number(d.Value, "before"), Number(d.Value, "after")));
        Assert.False((await TagsAsync(foretold[0])).TryGetProperty("looker", out _));

        await stack.Scrm.OutputOfAsync("run", "--topics", "events", "--namespace", "next", "--rules", rules, "--until-idle", "1s",
            "--health-port", "-1");
        await stack.Scrm.OutputOfAsync("rules", "audit", "--rules", rules, "--namespace", "next");
        foreach (var customer in foretold) Assert.True((await TagsAsync(customer, "--namespace", "next")).TryGetProperty("looker", out _));
    }

    /// <summary>The audit beside a service that goes on: its metric comes, and is 0.</summary>
    [LocalServersFact]
    public async Task Run_WithRuleAuditSeconds_ShowsWhatAuditsFind()
    {
        var config = Path.Combine(stack.Scrm.Home, "audited.json");
        await File.WriteAllTextAsync(config, "{ \"RuleAuditSeconds\": 1 }");
        using var service = stack.Scrm.Start("run", "--topics", "events", "--namespace", "audited", "--rules", stack.RuleFile,
            "--config", config);
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            string? line;
            do line = await service.StandardError.ReadLineAsync(limit.Token);
            while (line is not null && !line.Contains("health and metrics at ", StringComparison.Ordinal));
            var address = line!.Split(' ').First(word => word.StartsWith("http", StringComparison.Ordinal));
            using var http = new HttpClient();
            string metrics;
            do metrics = await http.GetStringAsync(new Uri(new Uri(address), "/metrics"), limit.Token);
            while (!metrics.Contains("\nscrmstream_rule_differences ", StringComparison.Ordinal));
            Assert.Contains("\nscrmstream_rule_differences 0\n", metrics);
        }
        finally
        {
            service.Kill();
        }
    }

    private async Task<JsonElement> TagsAsync(string customer, params string[] more) => JsonDocument.Parse(
        await stack.Scrm.OutputOfAsync(["customer", customer, "--format", "json", .. more])).RootElement.GetProperty("tags");

    private static long Number(JsonElement of, string name) => of.GetProperty(name).GetInt64();
}
