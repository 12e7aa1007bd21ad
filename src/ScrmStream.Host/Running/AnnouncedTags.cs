using ScrmStream.Events;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Running;

/// <summary>The analysts' tables, and beside the table of tag changes their topic: a change is written when both have it.</summary>
internal sealed class AnnouncedTags(IAnalyticsSink tables, KafkaTagChanges topic) : IAnalyticsSink
{
    public Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel) =>
        Task.WhenAll(topic.WriteAsync(changes, cancel), tables.WriteTagChangesAsync(changes, cancel));

    public Task WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel) =>
        tables.WriteEventsAsync(batches, token, cancel);

    public Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) =>
        tables.WriteScoreChangesAsync(changes, cancel);

    public Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel) =>
        tables.WriteIdentityMapAsync(mappings, cancel);

    public Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel) =>
        tables.WriteDeadLettersAsync(letters, cancel);
}
