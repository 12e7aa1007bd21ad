using System.Buffers;
using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>
/// Puts tag changes on their topic: key the customer's id as 32 hex digits, value as <see cref="TagChangeJson"/> writes it. So the changes
/// of a customer are in one partition, in the order in which this process wrote them.
/// </summary>
public sealed class KafkaTagChanges : IDisposable
{
    private readonly KafkaPublisher _publisher;
    private readonly string _topic;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly ArrayBufferWriter<byte> _value = new(512);

    private KafkaTagChanges(KafkaPublisher publisher, string topic) => (_publisher, _topic) = (publisher, topic);

    /// <summary>Creates the topic if it is missing.</summary>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    /// <exception cref="StoreUnavailableException">No broker answers, or it refuses the topic.</exception>
    public static async Task<KafkaTagChanges> OpenAsync(KafkaOptions options)
    {
        var publisher = await KafkaPublisher.OpenAsync(options);
        try
        {
            await publisher.CreateMissingAsync(options.TagChangesTopic);
            return new KafkaTagChanges(publisher, options.TagChangesTopic);
        }
        catch
        {
            publisher.Dispose();
            throw;
        }
    }

    /// <summary>Returns when all changes are acknowledged. Calls may come from any thread; one after the other is written.</summary>
    /// <exception cref="StoreUnavailableException">Some were not acknowledged within <see cref="KafkaOptions.DeliveryTimeoutMs"/>; any of
    /// them may have been written.</exception>
    public async Task WriteAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel)
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
                $"Tag changes for topic {_topic} (setting Kafka:TagChangesTopic; empty: none are written): {e.Message}", e);
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

    private void Publish(IReadOnlyList<TagChange> changes, CancellationToken cancel)
    {
        using var json = new TagChangeJson(_value);
        for (var i = 0; i < changes.Count; i++)
        {
            var key = new byte[32];
            changes[i].Customer.WriteHex(key);
            _value.ResetWrittenCount();
            json.Write(changes[i]);
            _publisher.Publish(_topic, key, _value.WrittenSpan.ToArray());
        }
        _publisher.Flush(cancel);
    }
}
