using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>
/// Puts tag changes on their topic, keyed by the customer's id; a value is as <see cref="TagChangeJson"/> writes it.
/// </summary>
public sealed class KafkaTagChanges : IDisposable
{
    private readonly ChangeTopic _topic;

    private KafkaTagChanges(ChangeTopic topic) => _topic = topic;

    /// <inheritdoc cref="ChangeTopic.OpenAsync"/>
    public static async Task<KafkaTagChanges> OpenAsync(KafkaOptions options) =>
        new(await ChangeTopic.OpenAsync(options, options.TagChangesTopic, "Tag changes", "Kafka:TagChangesTopic"));

    /// <inheritdoc cref="ChangeTopic.WriteAsync"/>
    public Task WriteAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel) =>
        changes.Count == 0 ? Task.CompletedTask : _topic.WriteAsync(() => AddAll(changes), cancel);

    /// <inheritdoc cref="ChangeTopic.Dispose"/>
    public void Dispose() => _topic.Dispose();

    private void AddAll(IReadOnlyList<TagChange> changes)
    {
        using var json = new TagChangeJson(_topic.Value);
        for (var i = 0; i < changes.Count; i++)
        {
            json.Write(changes[i]);
            _topic.Add(changes[i].Customer);
        }
    }
}
