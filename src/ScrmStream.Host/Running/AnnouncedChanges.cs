using ScrmStream.Events;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;

namespace ScrmStream.Host.Running;

/// <summary>
/// The analysts' tables, and beside those of changes and actions their topics: a record is written when both have it. A topic without a
/// name takes none. The topics are this object's to dispose.
/// </summary>
internal sealed class AnnouncedChanges(IAnalyticsSink tables) : IAnalyticsSink, IDisposable
{
    private ChangeTopic<TagChange>? _tags;
    private ChangeTopic<ScoreChange>? _scores;
    private ChangeTopic<StageChange>? _stages;
    private ChangeTopic<CustomerAction>? _actions;

    /// <summary>Opens the topics that have a name, beside each other: each asks the broker a few things in turn.</summary>
    /// <exception cref="StoreUnavailableException">No broker answers, or it refuses a topic.</exception>
    public Task OpenAsync(KafkaOptions options)
    {
        return Task.WhenAll(TagsAsync(), ScoresAsync(), StagesAsync(), ActionsAsync());

        async Task TagsAsync()
        {
            if (options.TagChangesTopic.Length > 0) _tags = await ChangeTopics.OpenTagsAsync(options);
        }

        async Task ScoresAsync()
        {
            if (options.ScoreChangesTopic.Length > 0) _scores = await ChangeTopics.OpenScoresAsync(options);
        }

        async Task StagesAsync()
        {
            if (options.StageChangesTopic.Length > 0) _stages = await ChangeTopics.OpenStagesAsync(options);
        }

        async Task ActionsAsync()
        {
            if (options.ActionsTopic.Length > 0) _actions = await ChangeTopics.OpenActionsAsync(options);
        }
    }

    public Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel) =>
        Task.WhenAll(_tags?.WriteAsync(changes, cancel) ?? Task.CompletedTask, tables.WriteTagChangesAsync(changes, cancel));

    public Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) =>
        Task.WhenAll(_scores?.WriteAsync(changes, cancel) ?? Task.CompletedTask, tables.WriteScoreChangesAsync(changes, cancel));

    public Task WriteLeadsAsync(IReadOnlyList<CustomerLeads> leads, CancellationToken cancel) =>
        Task.WhenAll(
            _stages?.WriteAsync([.. leads.SelectMany(l => l.Changes)], cancel) ?? Task.CompletedTask,
            tables.WriteLeadsAsync(leads, cancel));

    public Task WriteActionsAsync(IReadOnlyList<CustomerAction> actions, CancellationToken cancel) =>
        Task.WhenAll(_actions?.WriteAsync(actions, cancel) ?? Task.CompletedTask, tables.WriteActionsAsync(actions, cancel));

    public Task WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel) =>
        tables.WriteEventsAsync(batches, token, cancel);

    public Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel) =>
        tables.WriteIdentityMapAsync(mappings, cancel);

    public Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel) =>
        tables.WriteDeadLettersAsync(letters, cancel);

    public void Dispose()
    {
        _tags?.Dispose();
        _scores?.Dispose();
        _stages?.Dispose();
        _actions?.Dispose();
    }
}
