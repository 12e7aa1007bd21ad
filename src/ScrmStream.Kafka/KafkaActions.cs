using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>
/// Puts actions on their topic, keyed by the customer's id; a value is as <see cref="ActionJson"/> writes it.
/// </summary>
public sealed class KafkaActions : IDisposable
{
    private readonly ChangeTopic _topic;

    private KafkaActions(ChangeTopic topic) => _topic = topic;

    /// <inheritdoc cref="ChangeTopic.OpenAsync"/>
    public static async Task<KafkaActions> OpenAsync(KafkaOptions options) =>
        new(await ChangeTopic.OpenAsync(options, options.ActionsTopic, "Actions", "Kafka:ActionsTopic"));

    /// <inheritdoc cref="ChangeTopic.WriteAsync"/>
    public Task WriteAsync(IReadOnlyList<CustomerAction> actions, CancellationToken cancel) =>
        actions.Count == 0 ? Task.CompletedTask : _topic.WriteAsync(() => AddAll(actions), cancel);

    /// <inheritdoc cref="ChangeTopic.Dispose"/>
    public void Dispose() => _topic.Dispose();

    private void AddAll(IReadOnlyList<CustomerAction> actions)
    {
        using var json = new ActionJson(_topic.Value);
        for (var i = 0; i < actions.Count; i++)
        {
            json.Write(actions[i]);
            _topic.Add(actions[i].Customer);
        }
    }
}
