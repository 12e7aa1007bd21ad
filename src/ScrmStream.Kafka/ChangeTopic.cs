using System.Buffers;
using Confluent.Kafka;
using ScrmStream.Diagnostics;
using ScrmStream.Identity;
using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>How changes of one kind become records.</summary>
/// <param name="What">What they are called at the beginning of a message.</param>
/// <param name="Setting">The name of the topic's setting.</param>
/// <param name="Key">What a change is keyed by.</param>
/// <param name="Write">Writes its value.</param>
internal sealed record ChangeFormat<T>(string What, string Setting, Func<T, IdentifierId> Key, Action<ChangeJson, T> Write);

/// <summary>
/// A topic of changes as <see cref="ChangeJson"/> writes them, keyed by an id as 32 hex digits, so that the changes of one id are in one
/// partition, in the order in which this process wrote them. Calls are carried out one after the other.
/// </summary>
public sealed class ChangeTopic<T> : IDisposable
{
    private const int IdDigits = 32;
    private const int CallBytes = 256 * 1024;
    private const string Remedy = "Check the broker (--kafka, setting Kafka:BootstrapServers) and its limits.";

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly NativeProducer _producer;
    private readonly ChangeFormat<T> _format;
    private readonly string _failure;
    // Records not yet handed over: of each the value and then the digits of its key, and where it ends.
    private readonly ArrayBufferWriter<byte> _bytes = new(2 * CallBytes);
    private readonly int[] _ends;
    private int _count;

    private ChangeTopic(NativeProducer producer, ChangeFormat<T> format, string topic, string servers)
    {
        (_producer, _format) = (producer, format);
        _ends = new int[producer.CallRecordsMax];
        _failure = $"{format.What} for topic {topic} (setting {format.Setting}; empty: none are written): Kafka at {servers}: ";
    }

    /// <summary>Creates the topic if it is missing.</summary>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    /// <exception cref="StoreUnavailableException">No broker answers, or it refuses the topic.</exception>
    internal static async Task<ChangeTopic<T>> OpenAsync(KafkaOptions options, string topic, ChangeFormat<T> format)
    {
        options.Validate();
        using var topics = KafkaTopics.Connect(options);
        await topics.WaitForBrokerAsync();
        await topics.CreateMissingAsync([topic]);
        return new ChangeTopic<T>(new NativeProducer(options, topic), format, topic, options.BootstrapServers);
    }

    /// <summary>
    /// Returns when all changes are acknowledged. While the broker is away it waits, up to <see cref="KafkaOptions.DeliveryTimeoutMs"/>.
    /// </summary>
    /// <exception cref="StoreUnavailableException">Some were not acknowledged in time; any of them may have been written.</exception>
    public async Task WriteAsync(IReadOnlyList<T> changes, CancellationToken cancel)
    {
        if (changes.Count == 0) return;
        await _turn.WaitAsync(cancel);
        try
        {
            await Failpoints.PassAsync(Failpoint.ChangesBefore);
            // The producer blocks; the caller's thread need not.
            await Task.Run(() => Write(changes, cancel), cancel);
            await Failpoints.PassAsync(Failpoint.ChangesAfter);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>To be called when no write is under way.</summary>
    public void Dispose()
    {
        _producer.Dispose();
        _turn.Dispose();
    }

    private void Write(IReadOnlyList<T> changes, CancellationToken cancel)
    {
        Forget();
        try
        {
            using var json = new ChangeJson(_bytes);
            for (var i = 0; i < changes.Count; i++) Add(json, changes[i]);
            HandOver();
            if (_producer.Flush(cancel) is { } failure) throw new StoreUnavailableException($"{_failure}{failure}. {Remedy}");
        }
        catch (KafkaException e)
        {
            throw new StoreUnavailableException($"{_failure}{e.Error.Reason}. {Remedy}", e);
        }
    }

    private void Add(ChangeJson json, T change)
    {
        _format.Write(json, change);
        _format.Key(change).WriteHex(_bytes.GetSpan(IdDigits)[..IdDigits]);
        _bytes.Advance(IdDigits);
        _ends[_count++] = _bytes.WrittenCount;
        if (_count == _ends.Length || _bytes.WrittenCount >= CallBytes) HandOver();
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
