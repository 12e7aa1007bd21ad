using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>
/// Puts crossed grades on their topic, keyed by the customer's id; a value is as <see cref="ScoreChangeJson"/> writes it.
/// </summary>
public sealed class KafkaScoreChanges : IDisposable
{
    private readonly ChangeTopic _topic;

    private KafkaScoreChanges(ChangeTopic topic) => _topic = topic;

    /// <inheritdoc cref="ChangeTopic.OpenAsync"/>
    public static async Task<KafkaScoreChanges> OpenAsync(KafkaOptions options) =>
        new(await ChangeTopic.OpenAsync(options, options.ScoreChangesTopic, "Score changes", "Kafka:ScoreChangesTopic"));

    /// <inheritdoc cref="ChangeTopic.WriteAsync"/>
    public Task WriteAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) =>
        changes.Count == 0 ? Task.CompletedTask : _topic.WriteAsync(() => AddAll(changes), cancel);

    /// <inheritdoc cref="ChangeTopic.Dispose"/>
    public void Dispose() => _topic.Dispose();

    private void AddAll(IReadOnlyList<ScoreChange> changes)
    {
        using var json = new ScoreChangeJson(_topic.Value);
        for (var i = 0; i < changes.Count; i++)
        {
            json.Write(changes[i]);
            _topic.Add(changes[i].Customer);
        }
    }
}
