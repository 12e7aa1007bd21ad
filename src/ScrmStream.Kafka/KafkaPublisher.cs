using Confluent.Kafka;
using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>
/// Publishes records in order per partition, each acknowledged by all replicas and written once (idempotent). Records are
/// queued up to a limit; a full queue makes <see cref="Publish"/> wait. Used by one thread.
/// </summary>
public sealed class KafkaPublisher : IDisposable
{
    private static readonly TimeSpan QueueWait = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan FlushSlice = TimeSpan.FromMilliseconds(100);

    private readonly IProducer<byte[]?, byte[]?> _producer;
    private readonly KafkaTopics _topics;
    private readonly string _servers;
    private readonly HashSet<string> _known = [];
    private readonly Action<DeliveryReport<byte[]?, byte[]?>> _onDelivered;
    private long _published, _acknowledged, _failed;
    private volatile string? _firstFailure;

    private KafkaPublisher(KafkaOptions options, KafkaTopics topics)
    {
        _topics = topics;
        _servers = options.BootstrapServers;
        _onDelivered = OnDelivered;
        _producer = new ProducerBuilder<byte[]?, byte[]?>(options.Producer())
            .SetLogHandler(static (_, _) => { })
            // Errors that matter arrive with the records they concern.
            .SetErrorHandler(static (_, _) => { })
            .Build();
    }

    /// <summary>Records handed over so far.</summary>
    public long Published => _published;

    /// <summary>Records acknowledged so far.</summary>
    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    /// <exception cref="ArgumentException">The options are not valid.</exception>
    /// <exception cref="StoreUnavailableException">No broker answers.</exception>
    public static async Task<KafkaPublisher> OpenAsync(KafkaOptions options)
    {
        options.Validate();
        var topics = KafkaTopics.Connect(options);
        try
        {
            await topics.WaitForBrokerAsync();
            return new KafkaPublisher(options, topics);
        }
        catch
        {
            topics.Dispose();
            throw;
        }
    }

    /// <summary>Creates the topics that are missing, with <see cref="KafkaOptions.NewTopicPartitions"/> partitions.</summary>
    /// <exception cref="StoreUnavailableException">The broker refused.</exception>
    public async Task CreateMissingAsync(params IReadOnlyList<string> topics)
    {
        await _topics.CreateMissingAsync(topics);
        _known.UnionWith(topics);
    }

    /// <summary>
    /// Queues a record; the arrays belong to the publisher until the next <see cref="Flush"/>. A topic not named to
    /// <see cref="CreateMissingAsync"/> before is created on the way.
    /// </summary>
    /// <param name="key">Decides the partition; null: any.</param>
    /// <exception cref="StoreUnavailableException">An earlier record failed, or this one cannot be sent.</exception>
    public void Publish(string topic, byte[]? key, byte[]? value, Headers? headers = null)
    {
        if (_firstFailure is not null) throw Failure();
        if (!_known.Contains(topic)) CreateMissingAsync(topic).GetAwaiter().GetResult();
        var message = new Message<byte[]?, byte[]?> { Key = key, Value = value, Headers = headers };
        while (true)
        {
            try
            {
                _producer.Produce(topic, message, _onDelivered);
                _published++;
                return;
            }
            catch (ProduceException<byte[]?, byte[]?> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
            {
                // Each acknowledgement makes room; a failed delivery does too, so this ends within the delivery time-out.
                _producer.Flush(QueueWait);
            }
            catch (ProduceException<byte[]?, byte[]?> e)
            {
                throw new StoreUnavailableException($"Kafka at {_servers} cannot take a record for topic {topic}: {e.Error.Reason}", e);
            }
        }
    }

    /// <summary>Returns when every record is acknowledged.</summary>
    /// <exception cref="StoreUnavailableException">Some records failed for good; the message says how many and why.</exception>
    public void Flush(CancellationToken cancel = default)
    {
        // Every record ends acknowledged or, after the delivery time-out, failed.
        while (_producer.Flush(FlushSlice) > 0) cancel.ThrowIfCancellationRequested();
        if (_firstFailure is not null) throw Failure();
    }

    /// <summary>Waits for nothing: <see cref="Flush"/> first.</summary>
    public void Dispose()
    {
        _producer.Dispose();
        _topics.Dispose();
    }

    private void OnDelivered(DeliveryReport<byte[]?, byte[]?> report)
    {
        if (!report.Error.IsError)
        {
            Interlocked.Increment(ref _acknowledged);
            return;
        }
        Interlocked.Increment(ref _failed);
        _firstFailure ??= $"{report.Topic}: {report.Error.Reason}";
    }

    private StoreUnavailableException Failure() => new(
        $"Kafka at {_servers} did not acknowledge {Interlocked.Read(ref _failed)} of {_published} records (first: {_firstFailure}). "
        + "Check the broker (--kafka, setting Kafka:BootstrapServers) and its limits.");
}
