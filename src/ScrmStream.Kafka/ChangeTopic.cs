using System.Buffers;
using Confluent.Kafka;
using ScrmStream.Diagnostics;
using ScrmStream.Identity;
using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>
/// A topic of changes: keyed by an id as 32 hex digits, so that the changes of one id are in one partition, in the order in which this
/// process wrote them. Calls are carried out one after the other.
/// </summary>
internal sealed class ChangeTopic : IDisposable
{
    private const int IdDigits = 32;
    private const int CallBytes = 256 * 1024;
    private const string Remedy = "Check the broker (--kafka, setting Kafka:BootstrapServers) and its limits.";

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly NativeProducer _producer;
    private readonly string _failure;
    // Records not yet handed over: of each the value and then the digits of its key, and where it ends.
    private readonly ArrayBufferWriter<byte> _bytes = new(2 * CallBytes);
    private readonly int[] _ends;
    private int _count;

    private ChangeTopic(NativeProducer producer, string topic, string what, string setting, string servers)
    {
        _producer = producer;
        _ends = new int[producer.CallRecordsMax];
        _failure = $"{what} for topic {topic} (setting {setting}; empty: none are written): Kafka at {servers}: ";
    }

    /// <summary>Where the next record's value is written, during <see cref="WriteAsync"/>.</summary>
    public IBufferWriter<byte> Value => _bytes;

    /// <summary>Creates the topic if it is missing.</summary>
    /// <param name="what">What it holds, as a message begins with it.</param>
    /// <param name="setting">The name of its setting.</param>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    /// <exception cref="StoreUnavailableException">No broker answers, or it refuses the topic.</exception>
    public static async Task<ChangeTopic> OpenAsync(KafkaOptions options, string topic, string what, string setting)
    {
        options.Validate();
        using var topics = KafkaTopics.Connect(options);
        await topics.WaitForBrokerAsync();
        await topics.CreateMissingAsync([topic]);
        return new ChangeTopic(new NativeProducer(options, topic), topic, what, setting, options.BootstrapServers);
    }

    /// <summary>
    /// Returns when all that the action added is acknowledged. While the broker is away it waits, up to <see
    /// cref="KafkaOptions.DeliveryTimeoutMs"/>.
    /// </summary>
    /// <exception cref="StoreUnavailableException">Some were not acknowledged in time; any of them may have been written.</exception>
    public async Task WriteAsync(Action addAll, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            await Failpoints.PassAsync(Failpoint.ChangesBefore);
            // The producer blocks; the caller's thread need not.
            await Task.Run(() => Write(addAll, cancel), cancel);
            await Failpoints.PassAsync(Failpoint.ChangesAfter);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Sends what was written to <see cref="Value"/> since the last record.</summary>
    /// <exception cref="KafkaException">Of the records waiting here one cannot be sent.</exception>
    public void Add(IdentifierId key)
    {
        key.WriteHex(_bytes.GetSpan(IdDigits)[..IdDigits]);
        _bytes.Advance(IdDigits);
        _ends[_count++] = _bytes.WrittenCount;
        if (_count == _ends.Length || _bytes.WrittenCount >= CallBytes) HandOver();
    }

    /// <summary>To be called when no write is under way.</summary>
    public void Dispose()
    {
        _producer.Dispose();
        _turn.Dispose();
    }

    private void Write(Action addAll, CancellationToken cancel)
    {
        Forget();
        try
        {
            addAll();
            HandOver();
            if (_producer.Flush(cancel) is { } failure) throw new StoreUnavailableException($"{_failure}{failure}. {Remedy}");
        }
        catch (KafkaException e)
        {
            throw new StoreUnavailableException($"{_failure}{e.Error.Reason}. {Remedy}", e);
        }
    }

    private void HandOver()
    {
        if (_count > 0) _producer.Publish(_bytes.WrittenSpan, IdDigits, _ends.AsSpan(0, _count));
        Forget();
    }

    private void Forget()
    {
        _bytes.ResetWrittenCount();
        _count = 0;
    }
}
