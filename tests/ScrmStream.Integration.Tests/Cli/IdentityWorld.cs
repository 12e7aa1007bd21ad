using System.Text;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;

namespace ScrmStream.Integration.Cli;

/// <summary>
/// A namespace of the loaded servers with what identity has to say no to: two unionids with one phone, a tablet of both, an unverified
/// phone, a member with many phones, and a phone of which an unbound member has let go.
/// </summary>
public sealed class IdentityWorld(LoadedStack stack) : IAsyncLifetime
{
    public const string Namespace = "identities";

    private const string Topic = "identities";

    private const string Care = """
        tags:
          - tag: known_twice
            when: count(event = "login") >= 2
          - tag: called_twice
            when: count(event = "call") >= 2
        stages:
          - pipeline: care
            type: service
            description: A call, and another one.
            states: { open: open, hot: hot, closed: closed }
            final: closed
            create:
              - { to: open, on: event = "call" }
            transitions:
              - { from: open, to: hot, on: event = "call" }
              - { from: [open, hot], to: closed, on: event = "solved" }
        """;

    internal ScrmProcess Scrm => stack.Scrm;

    internal LocalServers Servers => stack.Servers;

    /// <summary>A configuration by which two strong neighbours are enough.</summary>
    public string CrowdedFrom3 => Path.Combine(Scrm.Home, "crowded.json");

    /// <summary>Two unionids may be one customer's, and members of one scope only.</summary>
    public string OtherLimits => Path.Combine(Scrm.Home, "other-limits.json");

    /// <summary>The limits that there are, one of them told.</summary>
    public string SameLimits => Path.Combine(Scrm.Home, "same-limits.json");

    /// <summary>Rules on logins and calls.</summary>
    public string CareRules => Path.Combine(Scrm.Home, "care.yaml");

    public async Task InitializeAsync()
    {
        if (new LocalServersFactAttribute().Skip is not null) return;
        await File.WriteAllTextAsync(CareRules, Care);
        await File.WriteAllTextAsync(SameLimits, """{"pipeline": {"identity": {"contactValuesMax": 3}}}""");
        await File.WriteAllTextAsync(OtherLimits, """
            { // Told as anywhere in the configuration.
              "Pipeline": { "Identity": { "Kinds": { "unionid": { "ValuesMax": 2 }, "member_id": { "PerScope": false }, } } } }
            """);
        await File.WriteAllTextAsync(CrowdedFrom3, """{"Pipeline": {"Identity": {"NeighboursMax": 2}}}""");
        var kafka = new KafkaOptions { BootstrapServers = stack.Servers.Kafka, NewTopicPartitions = 1 };
        using (var publisher = await KafkaPublisher.OpenAsync(kafka))
        {
            await publisher.CreateMissingAsync(Topic);
            foreach (var record in Records()) publisher.Publish(Topic, "one"u8.ToArray(), Encoding.UTF8.GetBytes(record));
            publisher.Flush();
        }
        await Scrm.OutputOfAsync("run", "--namespace", Namespace, "--topics", Topic, "--until-idle", "1s", "--health-port", "-1");
    }

    public Task DisposeAsync() => Task.CompletedTask;

    internal Task<Outcome> AskAsync(params string[] arguments) => Scrm.RunAsync([.. arguments, "--namespace", Namespace]);

    private static string[] Records() =>
    [
        Event("login", 0, "unionid:w:ann", "phone::+8613900000001"),
        Event("login", 1, "unionid:w:ben", "phone::+8613900000001"),
        Event("visit", 2, "unionid:w:ann", "device_id:shop:tablet"),
        Event("visit", 3, "unionid:w:ben", "device_id:shop:tablet"),
        Event("typed", 4, "unionid:w:cat", "phone::+8613900000002").Replace("02\"}", "02\",\"verified\":false}", StringComparison.Ordinal),
        .. Enumerable.Range(1, 3).Select(n => Event("call", 5 + n, "member_id:s:many", $"phone::+861390000001{n}")),
        .. Enumerable.Range(1, 3).Select(n => Event("call", 9 + n, "phone::+8613900000020", $"member_id:s{n}:m")),
        Event("identity_unbind", 20, "member_id:s3:m"),
    ];

    private static string Event(string name, int hour, params string[] identifiers)
    {
        var named = identifiers.Select(i => i.Split(':', 3))
            .Select(p => $$"""{"kind":"{{p[0]}}","scope":"{{p[1]}}","value":"{{p[2]}}"}""");
        var time = LoadedStack.StartMs + hour * 3_600_000L;
        return $$"""{"event":"{{name}}","event_time":{{time}},"channel":"crm","identifiers":[{{string.Join(',', named)}}]}""";
    }
}
