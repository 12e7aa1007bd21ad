using System.Text;
using ScrmStream.Kafka;

namespace ScrmStream.LoadTest.Price;

/// <summary>The reference events as a topic of a broker.</summary>
internal static class ReferenceTopic
{
    /// <summary>Makes the topic, and returns when the broker has acknowledged all events.</summary>
    /// <param name="hasIds">False: the events have no event_id.</param>
    /// <param name="partitions">Of the topic; 0: as many as a new one has.</param>
    /// <param name="form">Makes the record's value of canonical JSON; null: it is that.</param>
    /// <returns>The bytes of all values.</returns>
    public static async Task<long> PublishAsync(
        string kafka, string topic, int events, int people, int seed, bool hasIds = true, Func<byte[], byte[]>? form = null,
        int partitions = 0)
    {
        var options = new KafkaOptions { BootstrapServers = kafka };
        if (partitions > 0) options.NewTopicPartitions = partitions;
        using var publisher = await KafkaPublisher.OpenAsync(options);
        await publisher.CreateMissingAsync(topic);
        var made = new ReferenceEvents(people, seed);
        var bytes = 0L;
        for (var i = 0; i < events; i++)
        {
            var e = made.Next(hasIds);
            var json = Encoding.UTF8.GetBytes(e.Json.ToString());
            var value = form is null ? json : form(json);
            publisher.Publish(topic, Encoding.UTF8.GetBytes(e.Key), value);
            bytes += value.Length;
        }
        publisher.Flush();
        return bytes;
    }
}
