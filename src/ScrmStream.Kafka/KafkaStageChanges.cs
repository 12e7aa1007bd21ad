using ScrmStream.Pipeline.Leads;

namespace ScrmStream.Kafka;

/// <summary>
/// Puts stage changes of leads on their topic, keyed by the customer's id; a value is as <see cref="StageChangeJson"/> writes it.
/// </summary>
public sealed class KafkaStageChanges : IDisposable
{
    private readonly ChangeTopic _topic;

    private KafkaStageChanges(ChangeTopic topic) => _topic = topic;

    /// <inheritdoc cref="ChangeTopic.OpenAsync"/>
    public static async Task<KafkaStageChanges> OpenAsync(KafkaOptions options) =>
        new(await ChangeTopic.OpenAsync(options, options.StageChangesTopic, "Stage changes", "Kafka:StageChangesTopic"));

    /// <inheritdoc cref="ChangeTopic.WriteAsync"/>
    public Task WriteAsync(IReadOnlyList<CustomerLeads> leads, CancellationToken cancel) =>
        leads.All(l => l.Changes.Count == 0) ? Task.CompletedTask : _topic.WriteAsync(() => AddAll(leads), cancel);

    /// <inheritdoc cref="ChangeTopic.Dispose"/>
    public void Dispose() => _topic.Dispose();

    private void AddAll(IReadOnlyList<CustomerLeads> leads)
    {
        using var json = new StageChangeJson(_topic.Value);
        foreach (var change in leads.SelectMany(l => l.Changes))
        {
            json.Write(in change);
            _topic.Add(change.Customer);
        }
    }
}
