using System.Text.Json;
using ScrmStream.Kafka;

namespace ScrmStream.Integration.Cli;

/// <summary>Rules that change on real servers: under load, and with actions for what is past.</summary>
[Collection(LoadedStackCollection.Name)]
public sealed class RuleReloadTests(LoadedStack stack)
{
    private const int Events = 50_000;

    /// <summary>Rules change four times while events come as fast as they are read: every event counts once, by the last rules.</summary>
    [LocalServersFact(isSlow: true)]
    public async Task Publish_WhileEventsCome_LosesAndDoublesNothing()
    {
        const string Space = "underload", Topic = "underload";
        var looks = Rules("  - tag: looks\n    when: count(event = \"product_view\") >= 2\n");
        string[] changes = [looks, looks.Replace(">= 2", ">= 5", StringComparison.Ordinal),
            Rules("  - tag: quiet\n    when: not seen(any, within: 10d)\n"),
            Rules("  - tag: big\n    when: sum(amount_fen, event = \"order_paid\") >= 10000\n")];
        using (var publisher = await KafkaPublisher.OpenAsync(
            new KafkaOptions { BootstrapServers = stack.Servers.Kafka, NewTopicPartitions = 8 }))
            await publisher.CreateMissingAsync(Topic);
        string[] service = ["run", "--topics", Topic, "--namespace", Space, "--until-idle", "2s", "--health-port", "-1"];
        var run = stack.Scrm.OutputOfAsync([.. service, "--rules", stack.RuleFile]);
        var produced = stack.Scrm.OutputOfAsync("generate", "--events", $"{Events}", "--seed", "9", "--topic", Topic, "--rate", "16000");
        var last = "";
        for (var i = 0; i < changes.Length; i++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500));
            await File.WriteAllTextAsync(last = Path.Combine(stack.Scrm.Home, $"load-{i}.yaml"), changes[i]);
            // The first ones may come before "run" has made the tables.
            var published = await stack.Scrm.RunAsync("rules", "publish", last, "--namespace", Space);
            while (published.Code != 0 && !run.IsCompleted)
                published = await stack.Scrm.RunAsync("rules", "publish", last, "--namespace", Space);
            Assert.True(published.Code == 0, published.Error);
        }
        await produced;
        await run;
        var status = await StatusAsync();
        // Who finds nothing more to read ends, whether all have followed the last rules or not; the next one goes on with that.
        for (var again = 0; again < 3 && !status.GetProperty("followed").GetBoolean(); again++)
        {
            await stack.Scrm.OutputOfAsync(service);
            status = await StatusAsync();
        }
        Assert.True(status.GetProperty("followed").GetBoolean());
        Assert.Equal(0, status.GetProperty("left").GetInt64());
        Assert.True(status.GetProperty("number").GetInt64() >= changes.Length);
        var counted = await ScrmAsync(Space, "sql", "SELECT count() > 40000, count() = uniqExact(topic_id, topic, partition, offset, `index`) FROM events",
            "--format", "tsv");
        Assert.Equal("1\t1", counted.Trim());
        await ScrmAsync(Space, "audit", "--rules", last, "--sample", "300");
        await ScrmAsync(Space, "rules", "audit", "--rules", last);

        async Task<JsonElement> StatusAsync() =>
            JsonDocument.Parse(await ScrmAsync(Space, "rules", "status", "--format", "json")).RootElement;
    }

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

    private static string Rules(string tag) => LoadedStack.Rules.Replace("scores:", tag + "scores:", StringComparison.Ordinal);

    private Task<string> ScrmAsync(string space, params string[] call) => stack.Scrm.OutputOfAsync([.. call, "--namespace", space]);
}
