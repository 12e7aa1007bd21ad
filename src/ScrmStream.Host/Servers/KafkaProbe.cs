using Confluent.Kafka;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Servers;

/// <summary>A topic as a person wants to see it.</summary>
/// <param name="Lag">Records that the group has not committed; null: the group never read the topic, or it was not asked for.</param>
public sealed record TopicState(string Topic, int Partitions, long? Lag);

/// <summary>What can be told of a Kafka cluster from outside.</summary>
public static class KafkaProbe
{
    // A partition costs a round trip; a cluster with more is asked about its lag in other tools.
    private const int LagPartitionsMax = 512;

    /// <summary>Version of librdkafka, the native client; loading it is the test that it is there.</summary>
    public static string ClientVersion => Library.VersionString;

    /// <summary>The topics by name, with the group's lag.</summary>
    /// <exception cref="StoreUnavailableException">No broker answered within the time.</exception>
    public static Task<IReadOnlyList<TopicState>> LookAsync(KafkaOptions options, TimeSpan timeout, CancellationToken cancel) =>
        Task.Run(() => Look(options, timeout), cancel).WaitAsync(cancel);

    private static IReadOnlyList<TopicState> Look(KafkaOptions options, TimeSpan timeout)
    {
        options.Validate();
        try
        {
            using var admin = new AdminClientBuilder(Client(options))
                .SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
            var topics = admin.GetMetadata(timeout).Topics.Where(t => !t.Topic.StartsWith("__", StringComparison.Ordinal)).ToList();
            var lags = topics.Sum(t => t.Partitions.Count) is > 0 and <= LagPartitionsMax ? Lags(options, topics, timeout) : [];
            return [.. topics.OrderBy(t => t.Topic, StringComparer.Ordinal)
                .Select(t => new TopicState(t.Topic, t.Partitions.Count, lags.TryGetValue(t.Topic, out var lag) ? lag : null))];
        }
        catch (KafkaException e)
        {
            throw new StoreUnavailableException(
                $"Kafka at {options.BootstrapServers} (--kafka, Kafka:BootstrapServers) does not answer: {e.Error.Reason}. "
                + "Start it (./scrm up), or check the address and the settings Kafka:SecurityProtocol, "
                + "SaslMechanism, SaslUsername, SaslPassword and SslCaLocation.", e);
        }
    }

    // The group's committed offsets against the ends, without joining the group.
    private static Dictionary<string, long> Lags(KafkaOptions options, List<TopicMetadata> topics, TimeSpan timeout)
    {
        var config = new ConsumerConfig(Client(options)) { GroupId = options.GroupId, EnableAutoCommit = false };
        using var consumer = new ConsumerBuilder<Ignore, Ignore>(config)
            .SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
        var partitions = topics.SelectMany(t => t.Partitions.Select(p => new TopicPartition(t.Topic, p.PartitionId)));
        var lags = new Dictionary<string, long>();
        foreach (var topic in consumer.Committed(partitions, timeout).GroupBy(p => p.Topic))
        {
            if (topic.All(p => p.Offset == Offset.Unset)) continue;
            lags[topic.Key] = topic.Sum(p =>
            {
                var ends = consumer.QueryWatermarkOffsets(p.TopicPartition, timeout);
                return ends.High - (p.Offset == Offset.Unset ? ends.Low.Value : p.Offset.Value);
            });
        }
        return lags;
    }

    private static ClientConfig Client(KafkaOptions options) => new()
    {
        BootstrapServers = options.BootstrapServers,
        ClientId = $"scrmstream-{Environment.MachineName}-{Environment.ProcessId}",
        SecurityProtocol = options.SecurityProtocol,
        SaslMechanism = options.SaslMechanism,
        SaslUsername = options.SaslUsername,
        SaslPassword = options.SaslPassword,
        SslCaLocation = options.SslCaLocation,
        AllowAutoCreateTopics = false,
    };
}
