using ScrmStream.Events;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;

namespace ScrmStream.Host.Running;

/// <summary>
/// The analysts' tables, and beside the tables of changes their topics: a change is written when both have it. A topic that is null takes
/// none. The topics are this object's to dispose.
/// </summary>
internal sealed class AnnouncedChanges(
    IAnalyticsSink tables, KafkaTagChanges? tags, KafkaScoreChanges? scores, KafkaStageChanges? stages) : IAnalyticsSink, IDisposable
{
    /// <summary>Opens the topics that have a name.</summary>
    /// <exception cref="StoreUnavailableException">No broker answers, or it refuses a topic.</exception>
    public static async Task<AnnouncedChanges> OpenAsync(IAnalyticsSink tables, KafkaOptions options) => new(
        tables,
        options.TagChangesTopic.Length > 0 ? await KafkaTagChanges.OpenAsync(options) : null,
        options.ScoreChangesTopic.Length > 0 ? await KafkaScoreChanges.OpenAsync(options) : null,
        options.StageChangesTopic.Length > 0 ? await KafkaStageChanges.OpenAsync(options) : null);

    public Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel) =>
        Task.WhenAll(tags?.WriteAsync(changes, cancel) ?? Task.CompletedTask, tables.WriteTagChangesAsync(changes, cancel));

    public Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) =>
        Task.WhenAll(scores?.WriteAsync(changes, cancel) ?? Task.CompletedTask, tables.WriteScoreChangesAsync(changes, cancel));

    public Task WriteLeadsAsync(IReadOnlyList<CustomerLeads> leads, CancellationToken cancel) =>
        Task.WhenAll(stages?.WriteAsync(leads, cancel) ?? Task.CompletedTask, tables.WriteLeadsAsync(leads, cancel));

    public Task WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel) =>
        tables.WriteEventsAsync(batches, token, cancel);

    public Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel) =>
        tables.WriteIdentityMapAsync(mappings, cancel);

    public Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel) =>
        tables.WriteDeadLettersAsync(letters, cancel);

    public void Dispose()
    {
        tags?.Dispose();
        scores?.Dispose();
        stages?.Dispose();
    }
}
