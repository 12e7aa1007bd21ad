using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Host.Generation;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;
using ScrmStream.Redis;

namespace ScrmStream.Integration.Cli;

/// <summary>
/// Redis is emptied: a process that runs notices it, none starts, <c>rebuild</c> makes of ClickHouse's events what was there before, and
/// <c>run</c> goes on with the next record.
/// </summary>
public sealed class RebuildTests
{
    private const int LimitMs = 5 * 60 * 1000, Events = 4_000;
    private const long StartMs = 1_772_294_400_000;

    [LocalServersFact(Timeout = LimitMs)]
    public async Task Rebuild_AfterRedisWasEmptied_IsWhatWasThereBefore()
    {
        await using var home = new TemporaryHome();
        var rules = ScrmProcess.InCheckout("schemas/rules/examples/petshop.yaml");
        await home.Scrm.OutputOfAsync("up", "--kafka-topics", "events", "--kafka-partitions", "3");
        var servers = JsonSerializer.Deserialize<LocalServers>(await File.ReadAllTextAsync(Path.Combine(home.Up, "servers.json")))!;
        await PublishAsync(servers);
        string[] run = ["run", "--topics", "events", "--rules", rules, "--health-port", "-1"];
        await home.Scrm.OutputOfAsync([.. run, "--until-idle", "2s"]);
        await using var redis = await RedisConnection.OpenAsync(
            new RedisOptions { Address = servers.Redis }, NullLogger.Instance, TimeProvider.System, default);
        var before = await ViewsAsync(redis);
        Assert.True(before.Count > 1_000, $"only {before.Count} keys");

        using (var running = home.Scrm.Start([.. run]))
        {
            var error = running.StandardError.ReadToEndAsync();
            // Its first mark is set once it runs.
            while (await new RedisMark(redis).ReadAsync(default) is not { Mark: > 3 }) await Task.Delay(50);
            await redis.CallAsync(db => db.ExecuteAsync("FLUSHALL"), default);
            await running.WaitForExitAsync();
            Assert.True(running.ExitCode == 3, await error);
            Assert.Contains("scrmstream rebuild", await error, StringComparison.Ordinal);
        }
        await redis.CallAsync(db => db.ExecuteAsync("FLUSHALL"), default);
        var refused = await home.Scrm.RunAsync([.. run, "--until-idle", "1s"]);
        Assert.Equal(3, refused.Code);
        Assert.Contains("scrmstream rebuild", refused.Error, StringComparison.Ordinal);

        // And once more, over what is there: without a file by the rules in force.
        foreach (string[] given in (string[][])[["--rules", rules], []])
        {
            await home.Scrm.OutputOfAsync(["rebuild", .. given]);
            var after = await ViewsAsync(redis);
            Assert.Equal(before.Keys.Order(StringComparer.Ordinal), after.Keys.Order(StringComparer.Ordinal));
            Assert.All(before, view => Assert.Equal(view.Value, after[view.Key]));
        }

        // An event that comes again under its event_id is still known, and what is new is added to what was rebuilt.
        using (var publisher = await KafkaPublisher.OpenAsync(new KafkaOptions { BootstrapServers = servers.Kafka }))
        {
            foreach (var record in Own()) publisher.Publish("events", Encoding.UTF8.GetBytes("k"), Encoding.UTF8.GetBytes(record));
            publisher.Flush();
        }
        await home.Scrm.OutputOfAsync([.. run, "--until-idle", "2s"]);
        using var own = JsonDocument.Parse(await home.Scrm.OutputOfAsync("customer", "openid:w:p", "--format", "json"));
        Assert.Equal(4, own.RootElement.GetProperty("events").GetInt64());
        await home.Scrm.OutputOfAsync("audit", "--rules", rules, "--sample", "300", "--format", "json");
    }

    private static async Task PublishAsync(LocalServers servers)
    {
        using var publisher = await KafkaPublisher.OpenAsync(new KafkaOptions { BootstrapServers = servers.Kafka });
        var random = new Random(5);
        foreach (var made in new PetShopGenerator(new PetShopOptions { Events = Events, Seed = 5 }, withTruth: false).Records())
            publisher.Publish("events", BitConverter.GetBytes(random.NextInt64()), made.Value.ToArray());
        foreach (var record in Own()) publisher.Publish("events", Encoding.UTF8.GetBytes("k"), Encoding.UTF8.GetBytes(record));
        publisher.Flush();
    }

    // With a bad one in the middle, one more without an id each time, and a link that is taken away.
    private static string[] Own() =>
    [
        $"[{Event("a1")},7,{Event("")}]", "not json",
        $$"""{"event":"identity_unbind","event_id":"u1","event_time":{{StartMs + 1}},"identifiers":[{"kind":"cookie","scope":"own","value":"o"},{"kind":"openid","scope":"w","value":"p"}]}""",
    ];

    private static string Event(string id) => $$"""
        {"event":"product_view","event_id":"{{id}}","event_time":{{StartMs}},"identifiers":[{"kind":"cookie","scope":"own","value":"o"},{"kind":"openid","scope":"w","value":"p"}]}
        """;

    // All that readers see: fields that are not private, tags, boards; and when who changes next.
    private static async Task<Dictionary<string, string>> ViewsAsync(RedisConnection redis)
    {
        var views = new Dictionary<string, string>();
        foreach (var key in redis.Primaries().Single().Keys(pattern: "scrm:*", pageSize: 1_000).Select(k => (string)k!).Distinct())
        {
            if (key.StartsWith("scrm:cells:", StringComparison.Ordinal) || key.StartsWith("scrm:meta:", StringComparison.Ordinal)) continue;
            var isBoard = key.StartsWith("scrm:leads:", StringComparison.Ordinal) || key.StartsWith("scrm:timers:", StringComparison.Ordinal);
            views[key] = isBoard
                ? string.Join(' ', (await redis.Database.SortedSetRangeByRankWithScoresAsync(key)).Select(e => $"{e.Element}={e.Score:R}"))
                : string.Join(' ', (await redis.Database.HashGetAllAsync(key)).Where(f => !((string)f.Name!).StartsWith('_'))
                    .Select(f => $"{f.Name}={f.Value}").Order(StringComparer.Ordinal));
        }
        return views;
    }
}
