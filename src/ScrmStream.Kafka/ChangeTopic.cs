using System.Buffers;
using ScrmStream.Identity;
using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>
/// A topic of changes: keyed by an id as 32 hex digits, so that the changes of one id are in one partition, in the order in which this
/// process wrote them. Calls are carried out one after the other.
/// </summary>
/// <param name="what">What it holds, as a message begins with it.</param>
/// <param name="setting">The name of its setting.</param>
internal sealed class ChangeTopic(KafkaPublisher publisher, string topic, string what, string setting) : IDisposable
{
    private const int IdDigits = 32;

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly ArrayBufferWriter<byte> _value = new(512);

    /// <summary>Where the next record's value is written, during <see cref="WriteAsync"/>.</summary>
    public IBufferWriter<byte> Value => _value;

    /// <summary>Creates the topic if it is missing.</summary>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    /// <exception cref="StoreUnavailableException">No broker answers, or it refuses the topic.</exception>
    public static async Task<ChangeTopic> OpenAsync(KafkaOptions options, string topic, string what, string setting)
    {
        var publisher = await KafkaPublisher.OpenAsync(options);
        try
        {
            await publisher.CreateMissingAsync(topic);
            return new ChangeTopic(publisher, topic, what, setting);
        }
        catch
        {
            publisher.Dispose();
            throw;
        }
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
            // The publisher blocks; the caller's thread need not.
            await Task.Run(() =>
            {
                _value.ResetWrittenCount();
                addAll();
                publisher.Flush(cancel);
            }, cancel);
        }
        catch (StoreUnavailableException e)
        {
            throw new StoreUnavailableException($"{what} for topic {topic} (setting {setting}; empty: none are written): {e.Message}", e);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Sends what was written to <see cref="Value"/>.</summary>
    public void Add(IdentifierId key)
    {
        var digits = new byte[IdDigits];
        key.WriteHex(digits);
        publisher.Publish(topic, digits, _value.WrittenSpan.ToArray());
        _value.ResetWrittenCount();
    }

    /// <summary>To be called when no write is under way.</summary>
    public void Dispose()
    {
        publisher.Dispose();
        _turn.Dispose();
    }
}
