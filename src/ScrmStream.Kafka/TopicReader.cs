using Confluent.Kafka;
using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>Reads what a topic holds now, without a group: every partition from its beginning to the end it has at the start.</summary>
internal static class TopicReader
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    /// <summary>In the order of offsets in each partition; committed records only.</summary>
    /// <exception cref="StoreUnavailableException">The broker does not answer any more.</exception>
    public static IEnumerable<ConsumeResult<byte[]?, byte[]?>> Read(
        KafkaOptions options, string topic, int partitions, CancellationToken cancel)
    {
        var config = new ConsumerConfig(options.Consumer())
        {
            // A group has to be named although none is joined: partitions are assigned by hand and nothing is committed.
            GroupId = $"{topic}-reader", EnableAutoCommit = false, EnablePartitionEof = true, FetchWaitMaxMs = 50,
        };
        using var consumer = new ConsumerBuilder<byte[]?, byte[]?>(config)
            .SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
        var open = Enumerable.Range(0, partitions).ToHashSet();
        consumer.Assign(open.Select(p => new TopicPartitionOffset(topic, p, Offset.Beginning)));
        while (open.Count > 0)
        {
            var record = Next(consumer, options.BootstrapServers, topic, cancel);
            if (record.IsPartitionEOF) open.Remove(record.Partition.Value);
            else yield return record;
        }
        consumer.Close();
    }

    private static ConsumeResult<byte[]?, byte[]?> Next(
        IConsumer<byte[]?, byte[]?> consumer, string servers, string topic, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        try
        {
            if (consumer.Consume(AnswerTimeout) is { } record) return record;
        }
        catch (ConsumeException e)
        {
            throw new StoreUnavailableException($"Kafka at {servers} cannot be read (topic {topic}): {e.Error.Reason}", e);
        }
        throw new StoreUnavailableException(
            $"Kafka at {servers} gave no answer on topic {topic} for {AnswerTimeout.TotalSeconds:0} s. Check the broker (--kafka).");
    }
}
