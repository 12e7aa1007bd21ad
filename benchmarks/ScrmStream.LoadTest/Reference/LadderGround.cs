using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Host.Running;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;
using ScrmStream.LoadTest.Price;
using ScrmStream.Redis.Embedded;
using ScrmStream.Rules;

namespace ScrmStream.LoadTest.Reference;

/// <summary>The events of a run as a topic, and what the generator knows of them.</summary>
/// <param name="Format">JSON or Avro.</param>
internal sealed record LadderTopic(string Name, string Format, ReferenceTruth Truth, long ValueBytes);

/// <summary>What all rungs stand on: the servers, the rules, and names that are used once.</summary>
internal sealed class LadderGround(LadderOptions options, RuleText rules, PriceServers servers)
{
    // A broker that was given may have topics and groups of other runs.
    private readonly string _prefix = $"ladder{Guid.NewGuid():N}"[..12];
    private int _names;

    public LadderOptions Options => options;

    public PriceServers Servers => servers;

    public RuleText RuleText => rules;

    public RuleSet Rules { get; } = RuleSet.Parse(rules.Text, rules.File);

    /// <summary>For a run, a group and a namespace that nobody else has.</summary>
    public string NextName() => $"{_prefix}_{_names++}";

    public async Task<LadderTopic> PublishAsync(ReferenceTruth truth, bool asAvro)
    {
        var (name, avro) = (NextName(), asAvro ? new ReferenceAvro() : null);
        var bytes = await ReferenceTopic.PublishAsync(
            servers.Kafka, name, (int)truth.Events, options.PeopleOrDefault, options.Seed, hasIds: true,
            avro is null ? null : json => avro.Of(json).ToArray());
        return new LadderTopic(name, asAvro ? "Avro" : "JSON", truth, bytes);
    }

    /// <summary>A Redis as <c>up</c> starts it, but for its log, which is not rewritten however large it gets.</summary>
    public async Task<LadderRedis> StartRedisAsync(bool keepsLog, CancellationToken cancel) =>
        new(await servers.StartRedisAsync(NextName(), keepsLog, cancel, "--auto-aof-rewrite-percentage", "0"));

    /// <param name="redis">Null: it has none.</param>
    public HostSettings Settings(string name, EmbeddedRedis? redis, LadderTopic topic) =>
        servers.Settings(name, redis?.Address ?? "none", topic.Name);

    public static Task<KafkaEventSource> OpenSourceAsync(HostSettings settings) =>
        KafkaEventSource.OpenAsync(settings.Kafka, TimeProvider.System, NullLogger.Instance);
}

/// <summary>A Redis of one run; its folder goes with it, for what it logs is as large as the run.</summary>
internal sealed class LadderRedis(EmbeddedRedis server) : IAsyncDisposable
{
    public EmbeddedRedis Server => server;

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        Directory.Delete(server.Directory, recursive: true);
    }
}
