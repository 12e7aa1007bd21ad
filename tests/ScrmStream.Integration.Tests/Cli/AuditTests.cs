using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Settings;
using ScrmStream.Identity;
using ScrmStream.Kafka;
using ScrmStream.Redis;

namespace ScrmStream.Integration.Cli;

/// <summary><c>audit</c> over real stores, beside a service that goes on: it finds nothing, and then what was taken away and forged.</summary>
public sealed partial class AuditTests
{
    private const int LimitMs = 3 * 60 * 1000;
    private const long StartMs = 1_772_294_400_000;

    [LocalServersFact(Timeout = LimitMs)]
    public async Task Audit_ARowTakenAwayAndAViewForged_NamesBoth()
    {
        await using var home = new TemporaryHome();
        var rules = Path.Combine(home.Scrm.Home, "rules.yaml");
        await File.WriteAllTextAsync(rules, LoadedStack.Rules);
        await home.Scrm.OutputOfAsync("up", "--kafka-topics", "events", "--kafka-partitions", "1");
        var servers = JsonSerializer.Deserialize<LocalServers>(await File.ReadAllTextAsync(Path.Combine(home.Up, "servers.json")))!;
        await PublishAsync(servers);
        using var run = home.Scrm.Start("run", "--topics", "events", "--rules", rules, "--health-port", "0");
        try
        {
            var port = await PortAsync(run);
            var books = await BooksAsync(home.Scrm, port, records: 5);
            Assert.Equal(0, books.GetProperty("difference").GetInt64());
            Assert.Equal(5, books.GetProperty("rows_written").GetInt64());
            Assert.Equal(1, books.GetProperty("letters_written").GetInt64());

            var (code, found) = await AuditAsync(home.Scrm, rules);
            Assert.True(code == 0, $"{found}");
            var partition = found.GetProperty("delivery").GetProperty("partitions")[0];
            Assert.Equal(5, partition.GetProperty("records").GetInt64());
            Assert.Equal(4, partition.GetProperty("rows").GetInt64());
            Assert.Equal(1, partition.GetProperty("duplicates").GetInt64());
            Assert.Equal(1, partition.GetProperty("letters").GetInt64());
            Assert.Equal(3, found.GetProperty("customers").GetProperty("customers").GetInt64());

            await ForgeAsync(servers);
            (code, found) = await AuditAsync(home.Scrm, rules);
            Assert.Equal(1, code);
            var faults = found.GetProperty("delivery").GetProperty("faults").EnumerateArray()
                .Select(f => $"{f.GetProperty("what").GetString()} {f.GetProperty("offset")}/{f.GetProperty("index")}");
            Assert.Equal(["no row 1/1", "no dead letter 3/-1"], faults);
            var buyer = found.GetProperty("customers").GetProperty("rules").EnumerateArray()
                .Single(r => r.GetProperty("rule").GetString() == "buyer");
            Assert.Equal(1, buyer.GetProperty("differences").GetInt64());
            Assert.Contains("ClickHouse -, Redis 1", buyer.GetProperty("samples")[0].GetString(), StringComparison.Ordinal);
        }
        finally
        {
            run.Kill();
        }
    }

    // A view, an array of two, the first again under its event_id, what is no event, and another view.
    private static async Task PublishAsync(LocalServers servers)
    {
        using var publisher = await KafkaPublisher.OpenAsync(new KafkaOptions { BootstrapServers = servers.Kafka! });
        string[] records =
        [
            Event("product_view", 0, "a", "v1"), $"[{Event("order_paid", 1, "b", "")},{Event("product_view", 2, "a", "")}]",
            Event("product_view", 0, "a", "v1"), "not json", Event("product_view", 3, "c", ""),
        ];
        foreach (var record in records) publisher.Publish("events", null, Encoding.UTF8.GetBytes(record));
        publisher.Flush();
    }

    // The second event of the array and the letter are gone, and somebody says that C has bought.
    private static async Task ForgeAsync(LocalServers servers)
    {
        using var client = new ClickHouseClient(new() { Address = servers.ClickHouse, Database = "scrm" });
        await client.CommandAsync("ALTER TABLE events_rows DELETE WHERE offset = 1 AND `index` = 1 SETTINGS mutations_sync = 2", default);
        await client.CommandAsync("ALTER TABLE dead_letters_rows DELETE WHERE 1 SETTINGS mutations_sync = 2", default);
        await using var redis = await RedisConnection.OpenAsync(
            new RedisOptions { Address = servers.Redis! }, NullLogger.Instance, TimeProvider.System, default);
        var tags = redis.Keys.Tags(IdentifierId.Of("cookie:shop:c"u8));
        await redis.CallAsync(db => db.HashSetAsync(tags, "buyer", "1"), default);
    }

    private static async Task<int> PortAsync(Process run)
    {
        while (await run.StandardError.ReadLineAsync() is { } line)
            if (Port().Match(line) is { Success: true } said) return int.Parse(said.Groups[1].Value);
        throw new InvalidOperationException("run ended without saying its port");
    }

    private static async Task<JsonElement> BooksAsync(ScrmProcess scrm, int port, long records)
    {
        while (true)
        {
            var status = JsonDocument.Parse(await scrm.OutputOfAsync("status", "--health-port", $"{port}", "--format", "json")).RootElement;
            var books = status.GetProperty("books");
            if (books.GetProperty("stages").EnumerateArray().Last().GetProperty("out").GetInt64() == records) return books;
        }
    }

    private static async Task<(int Code, JsonElement Found)> AuditAsync(ScrmProcess scrm, string rules)
    {
        while (true)
        {
            var outcome = await scrm.RunAsync("audit", "--rules", rules, "--format", "json");
            Assert.True(outcome.Output.Length > 0, outcome.Error);
            var found = JsonDocument.Parse(outcome.Output).RootElement;
            // Offsets are committed a few seconds after they are done.
            var partitions = found.GetProperty("delivery").GetProperty("partitions");
            if (partitions.GetArrayLength() == 1 && partitions[0].GetProperty("committed").GetInt64() == 5) return (outcome.Code, found);
        }
    }

    private static string Event(string name, int hour, string cookie, string id) =>
        $$"""{"event_id":"{{id}}","event":"{{name}}","event_time":{{StartMs + hour * 3_600_000L}},"identifiers":[{"kind":"cookie","scope":"shop","value":"{{cookie}}"}]}""";

    [GeneratedRegex(@"health and metrics at http://127\.0\.0\.1:(\d+)/")]
    private static partial Regex Port();
}
