using System.Text.RegularExpressions;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Host.Running;
using ScrmStream.Integration.Cli;
using ScrmStream.Integration.Kafka;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Files;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.TestKit;

namespace ScrmStream.Integration.Avro;

/// <summary>Does what <c>docs/tutorials/avro-from-python.md</c> says, with the schema and the program as they stand there.</summary>
public sealed class PythonTutorialTests(Brokers brokers) : IClassFixture<Brokers>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("scrm-python-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [PythonProducerFact]
    public async Task Run_TheProgramOfTheTutorial_PublishesEventsThatAreAccepted()
    {
        var (schema, program) = (Save("json", "orders.avsc"), Save("python", "orders.py"));
        var schemas = Directory.CreateDirectory(Path.Combine(_folder, "schemas")).FullName;
        File.Copy(schema, Path.Combine(schemas, "7.avsc"));
        var scene = brokers.Scene(Brokers.Real);
        using (var publisher = await KafkaPublisher.OpenAsync(scene.Options)) await publisher.CreateMissingAsync(scene.Topic);

        AvroWritersTests.Run("/usr/bin/python3", program, schema, "7", scene.Options.BootstrapServers, scene.Topic);

        await using var source = await scene.OpenAsync();
        var limits = new EventLimits();
        var catalog = new SchemaCatalog(limits, new SchemaOptions(), [new FolderSchemas(schemas)], TimeProvider.System);
        var (views, analytics) = (new MemoryViewStore(), new MemoryAnalytics());
        var ports = new PipelinePorts(source, new MemoryCellStore(views), views, analytics, analytics, Schemas: catalog);
        var pipeline = new StreamPipeline(new PipelineOptions { Limits = limits }, RuleSet.Empty, ports, writerStamp: 1, TimeProvider.System);
        await new ServiceRun(pipeline, TimeProvider.System).RunAsync(TimeSpan.FromSeconds(1), _ => { }, CancellationToken.None);
        Assert.Empty(analytics.DeadLetters);
        Assert.Equal((100L, 0L), (pipeline.Counters.Accepted, pipeline.Counters.DroppedIdentifiers));
        Assert.All(analytics.Events.Values, name => Assert.Equal("order_paid", name));
    }

    // The only block of its language.
    private string Save(string language, string name)
    {
        var text = File.ReadAllText(ScrmProcess.InCheckout("docs/tutorials/avro-from-python.md"));
        var blocks = Regex.Matches(text, $"^```{language}\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline);
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, Assert.Single(blocks).Groups[1].Value);
        return path;
    }
}

/// <summary>Needs a real broker and Debian's two packages, which <c>./scrm test</c> downloads; skipped, with the reason, without one of them.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PythonProducerFactAttribute : FactAttribute
{
    public PythonProducerFactAttribute()
    {
        Skip = new RealKafkaFactAttribute().Skip
            ?? (AvroWriterTheoryAttribute.IsThere(Path.Combine("python", "kafka"))
                ? null
                : "python3-kafka is not there: ./scrm test downloads it where Debian's packages can be reached");
    }
}
