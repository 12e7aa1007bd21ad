using Confluent.Kafka;
using ScrmStream.Kafka;

namespace ScrmStream.LoadTest.Chaos;

/// <summary>Where one record lies.</summary>
internal readonly record struct RecordPlace(int Partition, long Offset);

/// <summary>
/// The topic of a run: what was published, in which place each record lies, and how far the group is. A record has its number as a header.
/// </summary>
internal sealed class ChaosTopic : IDisposable
{
    private const string Number = "number";
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(30);

    private readonly KafkaOptions _options;
    private readonly IReadOnlyList<(byte[] Key, byte[] Value)> _records;
    private readonly KafkaPublisher _publisher;
    private readonly IAdminClient _admin;
    private readonly IConsumer<byte[]?, byte[]?> _reader, _group;

    private ChaosTopic(KafkaOptions options, IReadOnlyList<(byte[] Key, byte[] Value)> records, KafkaPublisher publisher)
    {
        (_options, _records, _publisher) = (options, records, publisher);
        _admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = options.BootstrapServers }).Build();
        _reader = Open($"{options.GroupId}-audit");
        // Asks what the group has committed, without joining it.
        _group = Open(options.GroupId);
    }

    public int Published { get; private set; }

    private string Name => _options.Topics[0];

    public static async Task<ChaosTopic> CreateAsync(KafkaOptions options, IReadOnlyList<(byte[] Key, byte[] Value)> records)
    {
        var publisher = await KafkaPublisher.OpenAsync(options);
        await publisher.CreateMissingAsync(options.Topics[0]);
        return new ChaosTopic(options, records, publisher);
    }

    /// <summary>Publishes up to a record number; returns when all are acknowledged.</summary>
    public void PublishTo(int end)
    {
        for (; Published < end; Published++)
            _publisher.Publish(Name, _records[Published].Key, _records[Published].Value, [new Header(Number, BitConverter.GetBytes(Published))]);
        _publisher.Flush();
    }

    /// <summary>The offset of the first record of each partition.</summary>
    public long[] Beginnings() => new long[_options.NewTopicPartitions];

    /// <summary>The offset behind the last record of each partition.</summary>
    public long[] Ends() => [.. Partitions.Select(p => _reader.QueryWatermarkOffsets(p, AnswerMax).High.Value)];

    /// <summary>What the group has committed, 0 where nothing.</summary>
    /// <exception cref="KafkaException">The broker does not say now.</exception>
    public long[] Committed() => [.. _group.Committed(Partitions, AnswerMax).Select(p => Math.Max(0, p.Offset.Value))];

    /// <summary>The place of each record, by its number; read from the topic.</summary>
    public RecordPlace[] Places()
    {
        var places = new RecordPlace[_records.Count];
        foreach (var record in Read(Name, _options.NewTopicPartitions))
            places[BitConverter.ToInt32(record.Message.Headers.GetLastBytes(Number))] = new RecordPlace(record.Partition.Value, record.Offset.Value);
        return places;
    }

    /// <summary>The origins of the letters on the dead-letter topic, repeats included: partition, offset, index and reason.</summary>
    public List<(int Partition, long Offset, int Index, string Reason)> Letters()
    {
        var metadata = _admin.GetMetadata(_options.DeadLetterTopic, AnswerMax).Topics[0];
        return [.. Read(_options.DeadLetterTopic, metadata.Partitions.Count).Select(r =>
            (int.Parse(Header(r, "partition")), long.Parse(Header(r, "offset")), int.Parse(Header(r, "index")), Header(r, "reason")))];
    }

    public void Dispose()
    {
        _publisher.Dispose();
        _admin.Dispose();
        _reader.Dispose();
        _group.Dispose();
    }

    private IConsumer<byte[]?, byte[]?> Open(string group) => new ConsumerBuilder<byte[]?, byte[]?>(new ConsumerConfig
    {
        BootstrapServers = _options.BootstrapServers, GroupId = group, EnableAutoCommit = false, EnablePartitionEof = true,
    }).Build();

    private IEnumerable<TopicPartition> Partitions => Enumerable.Range(0, _options.NewTopicPartitions).Select(p => new TopicPartition(Name, p));

    private IEnumerable<ConsumeResult<byte[]?, byte[]?>> Read(string topic, int partitions)
    {
        var open = Enumerable.Range(0, partitions).ToHashSet();
        _reader.Assign(open.Select(p => new TopicPartitionOffset(topic, p, Offset.Beginning)));
        while (open.Count > 0)
        {
            var record = _reader.Consume(AnswerMax) ?? throw new InvalidOperationException($"The broker gave no more of {topic}.");
            if (record.IsPartitionEOF) open.Remove(record.Partition.Value);
            else yield return record;
        }
        _reader.Unassign();
    }

    private static string Header(ConsumeResult<byte[]?, byte[]?> record, string name) =>
        System.Text.Encoding.UTF8.GetString(record.Message.Headers.GetLastBytes(name));
}
