using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Host.Generation;
using ScrmStream.Host.Replay;
using ScrmStream.Host.Running;
using ScrmStream.Integration.Files;
using ScrmStream.Integration.Kafka;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;
using ScrmStream.Pipeline.Files;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.TestKit;

namespace ScrmStream.Integration.Avro;

/// <summary>The same events as JSON and as Avro, from a file over a broker through the engine: the same rows, the same state.</summary>
public sealed class AvroPathTests(Brokers brokers) : IClassFixture<Brokers>, IDisposable
{
    private static readonly RuleSet Rules = RuleSet.Load(Path.Combine(MappingFixture.Schemas(), "rules", "examples", "petshop.yaml"));
    private readonly string _folder = Directory.CreateTempSubdirectory("scrm-path-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Run_JsonAndAvroOfTheSameEvents_GiveTheSameRowsAndState(string broker)
    {
        var file = Path.Combine(_folder, "events.ndjson");
        var generator = new PetShopGenerator(new PetShopOptions { Events = 4_000, Seed = 5 }, withTruth: false);
        File.WriteAllLines(file, generator.Records().Select(r => Encoding.UTF8.GetString(r.Value.Span)));
        var folder = new FolderSchemas(Path.Combine(_folder, "schemas"));
        var limits = new EventLimits();
        var catalog = new SchemaCatalog(limits);
        var json = await ProduceAndRunAsync(broker, file, null, folder);
        var single = await ProduceAndRunAsync(
            broker, file, new AvroProduction(limits, catalog, AvroProduction.SingleObjectFrame(catalog), rowsToo: true), folder);
        var number = folder.NumberOf(SchemaCatalog.CanonicalText);
        var registry = await ProduceAndRunAsync(
            broker, file, new AvroProduction(limits, catalog, AvroProduction.RegistryFrame(number), rowsToo: true), folder);

        Assert.True(json.Rows.Length > 3_900 && json.Tags > 50, $"{json.Rows.Length} rows, {json.Tags} tags");
        Assert.Equal(json.Rows, single.Rows);
        Assert.Equal(json.Rows, registry.Rows);
        Assert.Equal(json.StateHash, single.StateHash);
        Assert.Equal(json.StateHash, registry.StateHash);
    }

    private sealed record Outcome(string[] Rows, string StateHash, long Tags);

    private async Task<Outcome> ProduceAndRunAsync(string broker, string file, AvroProduction? avro, FolderSchemas folder)
    {
        var scene = brokers.Scene(broker);
        using (var publisher = await KafkaPublisher.OpenAsync(scene.Options))
        {
            var request = new ProduceRequest(scene.Topic, [file], null, 0, null, 1 << 20, avro);
            var produced = await new ProduceJob(request, publisher, null, TimeProvider.System, _ => { }).RunAsync(default);
            // The generator's records that are no events are published as they are, and refused where they would have to become Avro.
            Assert.True(produced.Records > 3_900 && (avro is not null || produced.Refused == 0));
        }
        await using var source = await KafkaEventSource.OpenAsync(scene.Options, TimeProvider.System, NullLogger.Instance);
        var (views, rows, rejected) = (new MemoryViewStore(), new EventRows(), new MemoryAnalytics());
        var schemas = new SchemaCatalog(new EventLimits(), new SchemaOptions(), [folder], TimeProvider.System);
        var ports = new PipelinePorts(source, new MemoryCellStore(views), views, rows, rejected, Schemas: schemas);
        var options = new PipelineOptions { IdentifiersInMemoryMax = 1_000_000 };
        var pipeline = new StreamPipeline(options, Rules, ports, writerStamp: 1, TimeProvider.System);
        await new ServiceRun(pipeline, TimeProvider.System).RunAsync(TimeSpan.FromMilliseconds(500), _ => { }, default);
        return Result(pipeline, rows);
    }

    private static Outcome Result(StreamPipeline pipeline, EventRows rows)
    {
        var customer = new CustomerProfile(pipeline.State, Rules);
        using var writer = new CustomerWriter(Stream.Null);
        foreach (var root in CustomerProfile.RootsInOrder(pipeline.State))
        {
            customer.Read(root, 1_800_000_000_000, tagsToo: false);
            writer.Write(customer);
        }
        return new Outcome([.. rows.Written.Order(StringComparer.Ordinal)], writer.StateHash(), writer.Tags);
    }

    /// <summary>Keeps all fields of the accepted events, without their coordinates.</summary>
    private sealed class EventRows : IAnalyticsSink
    {
        public ConcurrentBag<string> Written { get; } = [];

        public Task WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel)
        {
            foreach (var batch in batches)
            {
                for (var i = 0; i < batch.Count; i++)
                    if (batch.Events[i].Verdict == Verdict.Accepted) Written.Add(EventText.Of(batch, i));
            }
            return Task.CompletedTask;
        }

        public Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel) => Task.CompletedTask;

        public Task WriteActionsAsync(IReadOnlyList<CustomerAction> actions, CancellationToken cancel) => Task.CompletedTask;

        public Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) => Task.CompletedTask;

        public Task WriteLeadsAsync(IReadOnlyList<CustomerLeads> leads, CancellationToken cancel) => Task.CompletedTask;

        public Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel) => Task.CompletedTask;

        public Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel) => Task.CompletedTask;
    }
}
