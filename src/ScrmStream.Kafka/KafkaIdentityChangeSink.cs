using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>
/// Puts identity changes on their topic, keyed by the identifier's id; a value is as <see cref="IdentityChangeJson"/> writes it.
/// </summary>
public sealed class KafkaIdentityChangeSink : IIdentityChangeSink, IDisposable
{
    private readonly ChangeTopic _topic;

    private KafkaIdentityChangeSink(ChangeTopic topic) => _topic = topic;

    /// <inheritdoc cref="ChangeTopic.OpenAsync"/>
    public static async Task<KafkaIdentityChangeSink> OpenAsync(KafkaOptions options) =>
        new(await ChangeTopic.OpenAsync(options, options.IdentityChangesTopic, "Identity changes", "Kafka:IdentityChangesTopic"));

    /// <inheritdoc/>
    /// <remarks>While the broker is away the call waits, up to <see cref="KafkaOptions.DeliveryTimeoutMs"/>.</remarks>
    public Task WriteAsync(IReadOnlyList<IdentityChange> changes, CancellationToken cancel) =>
        changes.Count == 0 ? Task.CompletedTask : _topic.WriteAsync(() => AddAll(changes), cancel);

    /// <inheritdoc cref="ChangeTopic.Dispose"/>
    public void Dispose() => _topic.Dispose();

    private void AddAll(IReadOnlyList<IdentityChange> changes)
    {
        using var json = new IdentityChangeJson(_topic.Value);
        for (var i = 0; i < changes.Count; i++)
        {
            json.Write(changes[i]);
            _topic.Add(changes[i].Mapping.Identifier);
        }
    }
}
