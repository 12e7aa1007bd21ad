using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>Puts identity changes on their topic.</summary>
public sealed class KafkaIdentityChangeSink : IIdentityChangeSink, IDisposable
{
    private readonly ChangeTopic<IdentityChange> _topic;

    private KafkaIdentityChangeSink(ChangeTopic<IdentityChange> topic) => _topic = topic;

    /// <inheritdoc cref="ChangeTopic{T}.OpenAsync"/>
    public static async Task<KafkaIdentityChangeSink> OpenAsync(KafkaOptions options) =>
        new(await ChangeTopics.OpenIdentitiesAsync(options));

    /// <inheritdoc/>
    /// <remarks>While the broker is away the call waits, up to <see cref="KafkaOptions.DeliveryTimeoutMs"/>.</remarks>
    public Task WriteAsync(IReadOnlyList<IdentityChange> changes, CancellationToken cancel) => _topic.WriteAsync(changes, cancel);

    /// <inheritdoc cref="ChangeTopic{T}.Dispose"/>
    public void Dispose() => _topic.Dispose();
}
