using System.Buffers;
using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>
/// Puts identity changes on their topic: key the identifier's id as 32 hex digits, value as <see cref="IdentityChangeJson"/> writes it.
/// So the changes of an identifier are in one partition, in the order in which this process wrote them.
/// </summary>
public sealed class KafkaIdentityChangeSink : IIdentityChangeSink, IDisposable
{
    private readonly KafkaPublisher _publisher;
    private readonly string _topic;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly ArrayBufferWriter<byte> _value = new(512);

    private KafkaIdentityChangeSink(KafkaPublisher publisher, string topic) => (_publisher, _topic) = (publisher, topic);

    /// <summary>Creates the topic if it is missing.</summary>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    /// <exception cref="StoreUnavailableException">No broker answers, or it refuses the topic.</exception>
    public static async Task<KafkaIdentityChangeSink> OpenAsync(KafkaOptions options)
    {
        var publisher = await KafkaPublisher.OpenAsync(options);
        try
        {
            await publisher.CreateMissingAsync(options.IdentityChangesTopic);
            return new KafkaIdentityChangeSink(publisher, options.IdentityChangesTopic);
        }
        catch
        {
            publisher.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <remarks>While the broker is away the call blocks, up to <see cref="KafkaOptions.DeliveryTimeoutMs"/>.</remarks>
    public async Task WriteAsync(IReadOnlyList<IdentityChange> changes, CancellationToken cancel)
    {
        if (changes.Count == 0) return;
        await _turn.WaitAsync(cancel);
        try
        {
            // The publisher blocks; the caller's thread need not.
            await Task.Run(() => Publish(changes, cancel), cancel);
        }
        catch (StoreUnavailableException e)
        {
            throw new StoreUnavailableException(
                $"Identity changes for topic {_topic} (setting Kafka:IdentityChangesTopic; empty: none are written): {e.Message}", e);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>To be called when no write is under way.</summary>
    public void Dispose()
    {
        _publisher.Dispose();
        _turn.Dispose();
    }

    private void Publish(IReadOnlyList<IdentityChange> changes, CancellationToken cancel)
    {
        using var json = new IdentityChangeJson(_value);
        for (var i = 0; i < changes.Count; i++)
        {
            var key = new byte[32];
            changes[i].Mapping.Identifier.WriteHex(key);
            _value.ResetWrittenCount();
            json.Write(changes[i]);
            _publisher.Publish(_topic, key, _value.WrittenSpan.ToArray());
        }
        _publisher.Flush(cancel);
    }
}
