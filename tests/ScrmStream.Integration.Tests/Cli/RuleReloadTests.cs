namespace ScrmStream.Integration.Cli;

/// <summary>Rules with actions come into force on real servers, and what is past stays past unless it is asked for.</summary>
[Collection(LoadedStackCollection.Name)]
public sealed class RuleReloadTests(LoadedStack stack)
{
    /// <summary>Ann bought before there was an action for it: she gets that of whoever publishes it for the past, and no other.</summary>
    [LocalServersFact]
    public async Task Publish_ActionsForThePast_AreSentOnlyWhereAskedFor()
    {
        const string Space = "past";
        await ScrmAsync(Space, "run", "--topics", "events", "--rules", stack.RuleFile, "--until-idle", "1s", "--health-port", "-1");
        var file = Path.Combine(stack.Scrm.Home, "past.yaml");
        var thanks = LoadedStack.Rules + "\n" + Action("thanks");
        await File.WriteAllTextAsync(file, thanks);
        using var service = stack.Scrm.Start("run", "--topics", "events", "--namespace", Space, "--health-port", "-1");
        var log = service.StandardError.ReadToEndAsync();
        try
        {
            await ScrmAsync(Space, "rules", "publish", file, "--wait");
            Assert.Equal("", await SentAsync());
            await File.WriteAllTextAsync(file, thanks.Replace("actions:\n", Action("again"), StringComparison.Ordinal));
            await ScrmAsync(Space, "rules", "publish", file, "--act-on-the-past", "--wait");
            // Time is known once the group has joined, and nothing is decided before.
            for (var looks = 0; looks < 60 && await SentAsync() == ""; looks++) await Task.Delay(TimeSpan.FromMilliseconds(250));
            Assert.Equal("again", await SentAsync());
        }
        finally
        {
            service.Kill();
        }
        Assert.NotEmpty(await log);

        async Task<string> SentAsync() =>
            (await ScrmAsync(Space, "sql", "SELECT action FROM actions WHERE outcome = 'sent' ORDER BY 1", "--format", "tsv")).Trim();
    }

    private static string Action(string name) => $"actions:\n  - action: {name}\n    when: gained(tag = \"buyer\")\n    once: true\n";

    private Task<string> ScrmAsync(string space, params string[] call) => stack.Scrm.OutputOfAsync([.. call, "--namespace", space]);
}
