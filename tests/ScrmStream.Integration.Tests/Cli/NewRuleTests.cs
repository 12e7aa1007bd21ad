using System.Diagnostics;
using System.Text.Json;

namespace ScrmStream.Integration.Cli;

/// <summary>docs/tutorials/new-rule.md with a running system: a rule added, a file that is not right, a rule taken away.</summary>
[Collection(LoadedStackCollection.Name)]
public sealed class NewRuleTests(LoadedStack stack)
{
    private const string Space = "reload", Ann = "unionid:wx:ann", Ben = "phone::+8613912345678";
    private const string Looker = "  - tag: looker\n    when: seen(event = \"product_view\", within 30d)\n";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [LocalServersFact]
    public async Task Tutorial_RunningSystem_TakesRulesWithoutARestart()
    {
        var (live, other) = (Path.Combine(stack.Scrm.Home, "live.yaml"), Path.Combine(stack.Scrm.Home, "with-looker.yaml"));
        await File.WriteAllTextAsync(live, LoadedStack.Rules);
        await File.WriteAllTextAsync(other, LoadedStack.Rules.Replace("scores:", Looker + "scores:", StringComparison.Ordinal));
        using var service = stack.Scrm.Start("run", "--topics", "events", "--namespace", Space, "--rules", live);
        var log = service.StandardError.ReadToEndAsync();
        try
        {
            await UntilAsync(async () => await TagAsync(Ann, "buyer") == "True");
            Assert.Equal((1, true), await StatusAsync());

            // What SQL foretells is what the stream finds once the rule is in force, though no event comes.
            var foretold = await ScrmAsync("sql", await ScrmAsync("rules", "sql", "looker", "--rules", other), "--format", "tsv");
            Assert.Equal(2, foretold.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
            Assert.Null(await TagAsync(Ben, "looker"));
            await ScrmAsync("rules", "publish", other, "--wait");
            Assert.Equal((2, true), await StatusAsync());
            foreach (var who in (string[])[Ann, Ben]) Assert.Equal("True", await TagAsync(who, "looker"));
            await ScrmAsync("rules", "audit", "--rules", other);

            await File.WriteAllTextAsync(live, LoadedStack.Rules.Replace("seen(event", "sean(event", StringComparison.Ordinal));
            await Task.Delay(TimeSpan.FromSeconds(4));
            Assert.Equal((2, true), await StatusAsync());

            await File.WriteAllTextAsync(live, "tags:\n" + Looker);
            await UntilAsync(async () => await StatusAsync() == (3, true));
            Assert.Null(await TagAsync(Ann, "buyer"));
            Assert.Equal("True", await TagAsync(Ann, "looker"));
            Assert.Equal("3\t0", (await ScrmAsync("sql", "SELECT uniqExact(rules), countIf(rules = '') FROM tag_changes", "--format", "tsv")).Trim());
        }
        finally
        {
            service.Kill();
        }
        Assert.Contains("live.yaml:3:", await log, StringComparison.Ordinal);
    }

    private async Task<string> ScrmAsync(params string[] call) => await stack.Scrm.OutputOfAsync([.. call, "--namespace", Space]);

    private async Task<string?> TagAsync(string who, string tag)
    {
        var answer = await stack.Scrm.RunAsync("customer", who, "--namespace", Space, "--format", "json");
        if (answer.Code != 0) return null;
        return JsonDocument.Parse(answer.Output).RootElement.GetProperty("tags").TryGetProperty(tag, out var value) ? value.ToString() : null;
    }

    private async Task<(long, bool)> StatusAsync()
    {
        var status = JsonDocument.Parse(await ScrmAsync("rules", "status", "--format", "json")).RootElement;
        Assert.Equal(0, status.GetProperty("left").GetInt64());
        return (status.GetProperty("number").GetInt64(), status.GetProperty("followed").GetBoolean());
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        var began = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < Patience, "it does not come to that");
            await Task.Delay(TimeSpan.FromMilliseconds(200));
        }
    }
}
