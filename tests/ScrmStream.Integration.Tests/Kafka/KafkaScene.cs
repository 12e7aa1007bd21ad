using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Events;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;

namespace ScrmStream.Integration.Kafka;

/// <summary>One record as a test sees it.</summary>
internal sealed record Seen(SourcePartition Partition, long Offset, long TimestampMs, string Value);

/// <summary>A topic and a group of a test's own on one broker, and the steps that the tests are made of.</summary>
internal sealed class KafkaScene(string address, int sessionTimeoutMs = 6_000)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public KafkaOptions Options { get; } = new()
    {
        BootstrapServers = address,
        GroupId = $"group-{Guid.NewGuid():N}",
        Topics = [$"topic-{Guid.NewGuid():N}"],
        DecisionTopic = $"decisions-{Guid.NewGuid():N}",
        TopicRefreshIntervalMs = 200,
        SessionTimeoutMs = sessionTimeoutMs,
    };

    public string Topic => Options.Topics[0];

    public Task<KafkaEventSource> OpenAsync() => KafkaEventSource.OpenAsync(Options, TimeProvider.System, NullLogger.Instance);

    /// <summary>Values <c>key:n</c>, n counting up per key; a key's records are in one partition.</summary>
    public async Task PublishAsync(int records, int keys = 16, int first = 0)
    {
        using var publisher = await KafkaPublisher.OpenAsync(Options);
        await publisher.CreateMissingAsync(Topic);
        for (var i = first; i < first + records; i++)
        {
            var key = $"k{i % keys}";
            publisher.Publish(Topic, Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes($"{key}:{i / keys}"));
        }
        publisher.Flush();
        Assert.Equal(records, publisher.Acknowledged);
    }

    /// <summary>Polls until the source is idle and has given at least <paramref name="atLeast"/> records.</summary>
    public static List<Seen> ReadToEnd(KafkaEventSource source, int atLeast = 0) =>
        ReadUntil(source, (state, seen) => state == SourceState.Idle && seen.Count >= atLeast);

    public static List<Seen> ReadUntil(KafkaEventSource source, Func<SourceState, List<Seen>, bool> isDone, int batchRecords = 256)
    {
        var seen = new List<Seen>();
        var deadline = DateTime.UtcNow + Patience;
        var batch = new RecordBatch(batchRecords, 64 * 1024);
        SourceState state;
        do
        {
            batch.Clear();
            state = source.Poll(batch, TimeSpan.FromMilliseconds(50));
            seen.AddRange(Content(batch));
            Assert.True(DateTime.UtcNow < deadline, $"gave up after {Patience}: {state}, {seen.Count} records");
        }
        while (!isDone(state, seen));
        return seen;
    }

    /// <summary>The offsets behind the last record seen of each partition.</summary>
    public static List<NextOffset> NextAfter(IEnumerable<Seen> seen) =>
        [.. seen.GroupBy(s => s.Partition).Select(g => new NextOffset(g.Key, g.Max(s => s.Offset) + 1))];

    /// <summary>Commits an offset of every partition for the scene's group, as if the topic had this id.</summary>
    public void CommitAs(Guid topicId, long offset)
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = Options.BootstrapServers,
            GroupId = Options.GroupId,
            EnableAutoOffsetStore = false,
        };
        using var consumer = new ConsumerBuilder<Ignore, Ignore>(config).Build();
        var offsets = Enumerable.Range(0, Options.NewTopicPartitions)
            .Select(p => new OffsetToStore(new SourcePartition(topicId, Topic, p), offset)).ToList();
        consumer.Assign(offsets.ConvertAll(o => new TopicPartitionOffset(Topic, o.Partition.Partition, o.Offset)));
        using (var native = new NativeConsumer(consumer, 1)) native.Store(offsets);
        Assert.Equal(offsets.Count, consumer.Commit().Count);
        consumer.Close();
    }

    private static IEnumerable<Seen> Content(RecordBatch batch)
    {
        for (var i = 0; i < batch.Count; i++)
        {
            var r = batch.Records[i];
            yield return new Seen(r.Partition, r.Offset, r.TimestampMs, Encoding.UTF8.GetString(batch.Buffer, r.Start, r.Length));
        }
    }
}
