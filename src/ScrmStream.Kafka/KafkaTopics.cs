using Confluent.Kafka;
using Confluent.Kafka.Admin;
using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>What exists on the broker: whether it answers, its topics and their ids. Calls may come from any thread.</summary>
public sealed class KafkaTopics(KafkaOptions options, IAdminClient admin) : IDisposable
{
    private static readonly TimeSpan AdminTimeout = TimeSpan.FromSeconds(10);
    private readonly string _servers = options.BootstrapServers;
    private readonly int _partitions = options.NewTopicPartitions;
    private readonly int _startTimeoutMs = options.StartTimeoutMs;
    private readonly ClientConfig _creating = new(options.Client()) { AllowAutoCreateTopics = true };

    public static KafkaTopics Connect(KafkaOptions options) =>
        new(options, new AdminClientBuilder(options.Client()).SetLogHandler(static (_, _) => { }).Build());

    /// <exception cref="StoreUnavailableException">No broker answered within the start time-out.</exception>
    public async Task WaitForBrokerAsync()
    {
        try
        {
            // The call blocks; the caller's thread need not.
            await Task.Run(() => admin.GetMetadata(TimeSpan.FromMilliseconds(_startTimeoutMs)));
        }
        catch (KafkaException e)
        {
            throw new StoreUnavailableException(
                $"Kafka at {_servers} did not answer within {_startTimeoutMs} ms ({e.Error.Reason}). Start it (\"./scrm up\") or "
                + "give its address with --kafka (setting Kafka:BootstrapServers).", e);
        }
    }

    /// <exception cref="StoreUnavailableException">A topic is not there.</exception>
    public async Task RequireAsync(IReadOnlyList<string> topics)
    {
        var known = await IdsAsync(topics);
        var missing = topics.Where(t => !known.ContainsKey(t)).ToList();
        if (missing.Count == 0) return;
        throw new StoreUnavailableException(
            $"Kafka at {_servers} has no topic {string.Join(", ", missing)}. Create it (\"./scrm produce --topic {missing[0]}\" does) or "
            + "name the right ones with --topics (setting Kafka:Topics).");
    }

    /// <summary>The ids of those topics that exist; <see cref="Guid.Empty"/> where the broker gives none.</summary>
    /// <exception cref="KafkaException">The broker did not answer.</exception>
    public async Task<IReadOnlyDictionary<string, Guid>> IdsAsync(IEnumerable<string> topics)
    {
        var names = TopicCollection.OfTopicNames(topics);
        List<TopicDescription> found;
        try
        {
            found = (await admin.DescribeTopicsAsync(names, new DescribeTopicsOptions { RequestTimeout = AdminTimeout })).TopicDescriptions;
        }
        catch (DescribeTopicsException e)
        {
            found = e.Results.TopicDescriptions;
        }
        var failed = found.Find(t => t.Error.IsError && t.Error.Code is not (ErrorCode.UnknownTopicOrPart or ErrorCode.UnknownTopicId));
        if (failed is not null) throw new KafkaException(new Error(failed.Error.Code, $"topic {failed.Name}: {failed.Error.Reason}"));
        return found.Where(t => !t.Error.IsError).ToDictionary(t => t.Name, t => ToGuid(t.TopicId));
    }

    /// <summary>Creates the topics that are missing and waits until the broker knows them.</summary>
    /// <param name="isKept">One partition, and of each key the newest record is kept for ever.</param>
    public async Task CreateMissingAsync(IReadOnlyList<string> topics, bool isKept = false)
    {
        var known = await IdsAsync(topics);
        var missing = topics.Where(t => !known.ContainsKey(t)).ToList();
        if (missing.Count == 0) return;
        var wanted = missing.ConvertAll(t => new TopicSpecification
        {
            Name = t, NumPartitions = isKept ? 1 : _partitions, ReplicationFactor = -1,
            Configs = isKept ? new() { ["cleanup.policy"] = "compact" } : null,
        });
        try
        {
            var limits = new CreateTopicsOptions { RequestTimeout = AdminTimeout, OperationTimeout = AdminTimeout };
            await admin.CreateTopicsAsync(wanted, limits);
        }
        catch (CreateTopicsException e) when (e.Results.TrueForAll(r => !r.Error.IsError || r.Error.Code == ErrorCode.TopicAlreadyExists))
        {
            // Another process was faster.
        }
        catch (CreateTopicsException e)
        {
            var first = e.Results.Find(r => r.Error.IsError)!;
            throw new StoreUnavailableException($"Kafka at {_servers} refused to create topic {first.Topic}: {first.Error.Reason}", e);
        }
        catch (KafkaException e) when (e.Error.Code == ErrorCode.Local_UnsupportedFeature)
        {
            await Task.Run(() => CreateByName(missing));
        }
    }

    /// <summary>All partitions of all topics but the broker's own.</summary>
    /// <exception cref="KafkaException">The broker did not answer.</exception>
    public Task<IReadOnlyList<TopicPartition>> NamesAsync() => Task.Run<IReadOnlyList<TopicPartition>>(() =>
    [
        .. admin.GetMetadata(AdminTimeout).Topics.Where(t => !t.Topic.StartsWith("__", StringComparison.Ordinal))
            .SelectMany(t => t.Partitions.Select(p => new TopicPartition(t.Topic, p.PartitionId))),
    ]);

    /// <summary>How many partitions a topic has; 0 when it is not there.</summary>
    /// <exception cref="KafkaException">The broker did not answer.</exception>
    public async Task<int> PartitionsOfAsync(string topic)
    {
        if (!(await IdsAsync([topic])).ContainsKey(topic)) return 0;
        return await Task.Run(() => admin.GetMetadata(topic, AdminTimeout).Topics[0].Partitions.Count);
    }

    public void Dispose() => admin.Dispose();

    // The embedded broker cannot be told; it makes a topic when a client that may create some asks about it by name.
    private void CreateByName(List<string> topics)
    {
        using var asking = new AdminClientBuilder(_creating).SetLogHandler(static (_, _) => { }).Build();
        foreach (var topic in topics) asking.GetMetadata(topic, AdminTimeout);
    }

    private static Guid ToGuid(Uuid id)
    {
        var value = new UInt128((ulong)(long)id.MostSignificantBits, (ulong)(long)id.LeastSignificantBits);
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        return new Guid(bytes, bigEndian: true);
    }
}
