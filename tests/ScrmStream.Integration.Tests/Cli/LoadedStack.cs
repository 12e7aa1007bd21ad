using System.Text;
using System.Text.Json;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;

namespace ScrmStream.Integration.Cli;

/// <summary>
/// Local servers into which a handful of events went through Kafka and <c>run</c>. Ann is met by cookie, logs in by unionid and buys;
/// Ben only looks; one record is no event.
/// </summary>
public sealed class LoadedStack : IAsyncLifetime
{
    public const string Rules = """
        tags:
          - tag: buyer
            when: seen(event = "order_paid")
          - tag: orders
            value: count(event = "order_paid")
        scores:
          - score: intent
            half_life: 10d
            points:
              - { when: event = "product_view", add: 10 }
              - { when: event = "order_paid", add: 80 }
            grades: { A: 60, B: 5 }
        """;

    /// <summary>2026-03-01T00:00:00+08:00.</summary>
    public const long StartMs = 1_772_294_400_000;

    private const string Topic = "events", Ann = """{"kind":"unionid","scope":"wx","value":"ann"}""",
        Cookie = """{"kind":"cookie","scope":"shop","value":"c1"}""", Ben = """{"kind":"phone","value":"+8613912345678"}""";

    private readonly TemporaryHome? _home = new LocalServersFactAttribute().Skip is null ? new TemporaryHome() : null;

    internal ScrmProcess Scrm => _home!.Scrm;

    public string RuleFile => Path.Combine(Scrm.Home, "rules.yaml");

    public LocalServers Servers =>
        JsonSerializer.Deserialize<LocalServers>(File.ReadAllText(Path.Combine(_home!.Up, "servers.json")))!;

    public async Task InitializeAsync()
    {
        if (_home is null) return;
        await File.WriteAllTextAsync(RuleFile, Rules);
        await Scrm.OutputOfAsync("up", "--kafka-topics", Topic, "--kafka-partitions", "1");
        using (var publisher = await KafkaPublisher.OpenAsync(new KafkaOptions { BootstrapServers = Servers.Kafka }))
        {
            foreach (var record in Records()) publisher.Publish(Topic, null, Encoding.UTF8.GetBytes(record));
            publisher.Flush();
        }
        await Scrm.OutputOfAsync("run", "--topics", Topic, "--rules", RuleFile, "--until-idle", "1s", "--health-port", "-1");
    }

    public async Task DisposeAsync()
    {
        if (_home is not null) await _home.DisposeAsync();
    }

    private static string[] Records() =>
    [
        Event("product_view", 0, Cookie, "web"),
        Event("login", 1, $"{Ann},{Cookie}", "web"),
        Event("order_paid", 2, Ann, "app", ",\"amount_fen\":1990"),
        Event("product_view", 1, Ben, "app"),
        "not json",
    ];

    private static string Event(string name, int hour, string identifiers, string channel, string more = "") =>
        $$"""{"event":"{{name}}","event_time":{{StartMs + hour * 3_600_000L}},"channel":"{{channel}}","identifiers":[{{identifiers}}]{{more}}}""";
}

[CollectionDefinition(Name)]
public sealed class LoadedStackCollection : ICollectionFixture<LoadedStack>
{
    public const string Name = "loaded local servers";
}
