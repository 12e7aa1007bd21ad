using System.Diagnostics;
using System.Text;
using System.Text.Json;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;

namespace ScrmStream.Integration.Cli;

/// <summary>
/// A <c>run</c> is killed while timers are pending in Redis; another one takes over: tags and actions come at their very moments, though
/// no event names the customer any more.
/// </summary>
public sealed class TakeoverTests
{
    private const int LimitMs = 3 * 60 * 1000;
    private const long HourMs = 3_600_000;
    private const string Rules = """
        tags:
          - { tag: fresh, when: 'seen(event = "view")', expires: 2h }
          - { tag: silent, when: 'not seen(any, within 5h)' }
        actions:
          - { action: welcome, when: seen(event = "view"), once: true }
          - { action: call, when: gained(tag = "silent"), to: staff }
        """;

    [LocalServersFact(Timeout = LimitMs)]
    public async Task Run_KilledWithTimersPending_AnotherOneIsRightToTheMillisecond()
    {
        await using var home = new TemporaryHome();
        var config = Path.Combine(home.Scrm.Home, "config.json");
        var rules = Path.Combine(home.Scrm.Home, "rules.yaml");
        await File.WriteAllTextAsync(rules, Rules);
        await File.WriteAllTextAsync(config, """{"Kafka": {"SessionTimeoutMs": 6000}}""");
        await home.Scrm.OutputOfAsync("up", "--kafka-topics", "events", "--kafka-partitions", "1");
        var servers = JsonSerializer.Deserialize<LocalServers>(await File.ReadAllTextAsync(Path.Combine(home.Up, "servers.json")))!;
        // Event time never runs ahead of a record's own, so what happens lies in the past.
        var startMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - 10 * HourMs;
        await PublishAsync(servers, ("a", startMs), ("z", startMs + HourMs));

        using (var killed = home.Scrm.Start("run", "--topics", "events", "--rules", rules, "--config", config, "--health-port", "-1"))
        {
            while (!(await home.Scrm.RunAsync("customer", "cookie:c:a", "--format", "json")).Output.Contains("fresh", StringComparison.Ordinal))
                Assert.False(killed.HasExited, "run ended by itself");
            killed.Kill();
            await killed.WaitForExitAsync();
        }
        await PublishAsync(servers, ("z", startMs + 6 * HourMs));
        await home.Scrm.OutputOfAsync(
            "run", "--topics", "events", "--rules", rules, "--config", config, "--health-port", "-1", "--until-idle", "1s");

        using var customer = JsonDocument.Parse(await home.Scrm.OutputOfAsync("customer", "cookie:c:a", "--format", "json"));
        Assert.Equal(["silent"], customer.RootElement.GetProperty("tags").EnumerateObject().Select(t => t.Name));
        Assert.Equal("sent", customer.RootElement.GetProperty("actions").GetProperty("call").GetProperty("outcome").GetString());
        var a = customer.RootElement.GetProperty("customer").GetString();
        Assert.Equal(
            $"fresh 0 1\nfresh {2 * HourMs} \nsilent {5 * HourMs} 1",
            await QueryAsync(servers, $"SELECT tag, toUnixTimestamp64Milli(since) - {startMs}, ifNull(value, '') FROM tag_changes WHERE customer = '{a}' ORDER BY since"));
        Assert.Equal(
            $"welcome 0 sent\ncall {5 * HourMs} sent",
            await QueryAsync(servers, $"SELECT action, toUnixTimestamp64Milli(at) - {startMs}, outcome FROM actions WHERE customer = '{a}' ORDER BY at"));
    }

    private static async Task PublishAsync(LocalServers servers, params (string Cookie, long TimeMs)[] views)
    {
        using var publisher = await KafkaPublisher.OpenAsync(new KafkaOptions { BootstrapServers = servers.Kafka! });
        foreach (var (cookie, timeMs) in views)
        {
            publisher.Publish("events", null, Encoding.UTF8.GetBytes(
                $$"""{"event":"view","event_time":{{timeMs}},"identifiers":[{"kind":"cookie","scope":"c","value":"{{cookie}}"}]}"""));
        }
        publisher.Flush();
    }

    private static async Task<string> QueryAsync(LocalServers servers, string sql)
    {
        using var client = new ClickHouseClient(new() { Address = servers.ClickHouse, Database = "scrm" });
        return Encoding.UTF8.GetString(await client.QueryAsync(sql, "TabSeparated", default)).Trim().Replace('\t', ' ');
    }
}
