using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.ClickHouse;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Host.Running;
using ScrmStream.Integration.ClickHouse;
using ScrmStream.Integration.Cli;
using ScrmStream.Integration.Kafka;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Files;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.TestKit;

namespace ScrmStream.Integration.Avro;

/// <summary>
/// What independent producers publish to a real broker: npm avsc over npm kafkajs with the frame of a registry, and python3-avro in
/// single-object encoding. In ClickHouse every column is what the same events have that came as JSON.
/// </summary>
public sealed class ProducersToClickHouseTests(Brokers brokers, ClickHouseFixture clickHouse) : IClassFixture<Brokers>, IClassFixture<ClickHouseFixture>, IDisposable
{
    private const int Events = 400;

    // All columns but the coordinates.
    private const string Rows = """
        SELECT * EXCEPT (topic_id, topic, partition, offset, `index`, record_time) FROM events ORDER BY ALL FORMAT JSONEachRow
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("scrm-producers-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [ProducersFact]
    public async Task Publish_NpmAndPython_ArriveAsTheJsonEventsFieldByField()
    {
        var (events, frames) = (Path.Combine(_folder, "events.ndjson"), Path.Combine(_folder, "frames.hex"));
        File.WriteAllLines(events, Enumerable.Range(0, Events).Select(i => AvroWritersTests.Event(new Random(i), i)));
        var schemas = new FolderSchemas(Path.Combine(_folder, "schemas"));
        var number = schemas.NumberOf(File.ReadAllText(AvroWritersTests.SchemaFile));
        var fingerprint = new SchemaCatalog(new EventLimits()).CanonicalFingerprint;
        AvroWritersTests.Run("/usr/bin/python3", Script("write.py"), AvroWritersTests.SchemaFile, events, $"frames:{fingerprint:x16}", frames);

        var json = await ArrivedAsync(schemas, scene => PublishAsync(scene, File.ReadAllLines(events)));
        var npm = await ArrivedAsync(schemas, scene => Publish(
            scene, events, AvroWriterTheoryAttribute.Folder("avsc"), AvroWritersTests.SchemaFile, $"{number}"));
        var python = await ArrivedAsync(schemas, scene => Publish(scene, frames));

        Assert.True(json.Length > Events / 2, $"only {json.Length} of {Events} events have a verified identifier");
        Assert.Equal(json, npm);
        Assert.Equal(json, python);
    }

    private static string Script(string name) => ScrmProcess.InCheckout($"tests/ScrmStream.Integration.Tests/Avro/{name}");

    private static Task Publish(KafkaScene scene, string file, params string[] encoding)
    {
        AvroWritersTests.Run(
            "node", [Script("publish.cjs"), AvroWriterTheoryAttribute.Folder("kafkajs"), scene.Options.BootstrapServers, scene.Topic, file, .. encoding]);
        return Task.CompletedTask;
    }

    private static async Task PublishAsync(KafkaScene scene, string[] values)
    {
        using var publisher = await KafkaPublisher.OpenAsync(scene.Options);
        foreach (var value in values) publisher.Publish(scene.Topic, null, Encoding.UTF8.GetBytes(value));
        publisher.Flush();
    }

    // Through the real source and the whole engine into a database of its own; its rows as lines.
    private async Task<string[]> ArrivedAsync(FolderSchemas schemas, Func<KafkaScene, Task> publish)
    {
        var scene = brokers.Scene(Brokers.Real);
        using (var publisher = await KafkaPublisher.OpenAsync(scene.Options)) await publisher.CreateMissingAsync(scene.Topic);
        await publish(scene);
        using var client = await clickHouse.ClientWithSchemaAsync();
        var sink = await ClickHouseSink.OpenAsync(client, CancellationToken.None);
        await using var source = await KafkaEventSource.OpenAsync(scene.Options, TimeProvider.System, NullLogger.Instance);
        // The times of these events are any, also far ahead of today.
        var limits = new EventLimits { EventTimeAheadMax = TimeSpan.FromDays(36_500) };
        var catalog = new SchemaCatalog(limits, new SchemaOptions(), [schemas], TimeProvider.System);
        var views = new MemoryViewStore();
        var ports = new PipelinePorts(source, new MemoryCellStore(views), views, sink, new MemoryAnalytics(), Schemas: catalog);
        var pipeline = new StreamPipeline(new PipelineOptions { Limits = limits }, RuleSet.Empty, ports, writerStamp: 1, TimeProvider.System);
        await new ServiceRun(pipeline, TimeProvider.System).RunAsync(TimeSpan.FromMilliseconds(500), _ => { }, CancellationToken.None);
        Assert.Equal(Events, pipeline.Counters.Accepted + pipeline.Counters.Rejected);
        return (await client.TextAsync(Rows)).Split('\n');
    }
}

/// <summary>Needs a real broker, ClickHouse, and the producers that <c>./scrm test</c> downloads; skipped, with the reason, without one of them.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ProducersFactAttribute : FactAttribute
{
    public ProducersFactAttribute()
    {
        string[] missing = [.. ((string[])["avsc", "kafkajs", "python"]).Where(writer => !AvroWriterTheoryAttribute.IsThere(writer))];
        Skip = new RealKafkaFactAttribute().Skip ?? ClickHouseLibrary.Missing
            ?? (missing.Length == 0 ? null : $"{missing[0]} is not there: ./scrm test downloads it where npm and Debian's packages can be reached");
    }
}
