using ScrmStream.Events;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Running;

/// <summary>
/// The analysts' tables, and beside those of tag changes and actions their topics: a record is written when both have it.
/// </summary>
/// <param name="tags">Null: tag changes are told nowhere else.</param>
/// <param name="topic">Null: actions are told nowhere else.</param>
internal sealed class AnnouncedTables(IAnalyticsSink tables, KafkaTagChanges? tags, KafkaActions? topic) : IAnalyticsSink
{
    public Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel) =>
        Task.WhenAll(tags?.WriteAsync(changes, cancel) ?? Task.CompletedTask, tables.WriteTagChangesAsync(changes, cancel));

    public Task WriteActionsAsync(IReadOnlyList<CustomerAction> actions, CancellationToken cancel) =>
        Task.WhenAll(topic?.WriteAsync(actions, cancel) ?? Task.CompletedTask, tables.WriteActionsAsync(actions, cancel));

    public Task WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel) =>
        tables.WriteEventsAsync(batches, token, cancel);

    public Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) =>
        tables.WriteScoreChangesAsync(changes, cancel);

    public Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel) =>
        tables.WriteIdentityMapAsync(mappings, cancel);

    public Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel) =>
        tables.WriteDeadLettersAsync(letters, cancel);
}
