using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;

namespace ScrmStream.Host.Replay;

/// <summary>A replay asks its result of the engine itself, so it keeps no tables.</summary>
internal sealed class NoAnalytics : IAnalyticsSink
{
    public Task WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel) => Task.CompletedTask;

    public Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel) => Task.CompletedTask;

    public Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) => Task.CompletedTask;

    public Task WriteLeadsAsync(IReadOnlyList<CustomerLeads> leads, CancellationToken cancel) => Task.CompletedTask;

    public Task WriteActionsAsync(IReadOnlyList<CustomerAction> actions, CancellationToken cancel) => Task.CompletedTask;

    public Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel) => Task.CompletedTask;

    public Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel) => Task.CompletedTask;
}
