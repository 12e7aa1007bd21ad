using Confluent.Kafka;
using ScrmStream.Kafka;

namespace ScrmStream.Integration.Kafka;

/// <summary>What a topic holds, for tests of what was written there.</summary>
internal static class TopicRecords
{
    /// <summary>Waits for so many records from the beginning; fewer after 20 s without another one fail the test.</summary>
    public static List<Message<byte[], byte[]>> Read(KafkaOptions options, string topic, int count)
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = options.BootstrapServers, GroupId = $"reader-{Guid.NewGuid():N}", AutoOffsetReset = AutoOffsetReset.Earliest,
        };
        using var consumer = new ConsumerBuilder<byte[], byte[]>(config).Build();
        consumer.Subscribe(topic);
        var messages = new List<Message<byte[], byte[]>>();
        while (messages.Count < count)
        {
            var result = consumer.Consume(TimeSpan.FromSeconds(20));
            Assert.True(result is not null, $"only {messages.Count} of {count} records came");
            messages.Add(result.Message);
        }
        consumer.Close();
        return messages;
    }
}
