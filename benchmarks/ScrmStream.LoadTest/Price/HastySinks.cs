using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;

namespace ScrmStream.LoadTest.Price;

/// <summary>
/// Begins writes and does not wait for them, but for room: only so many are under way. What failed is told at the end. Calls may come from
/// any thread.
/// </summary>
internal sealed class HastyWrites : IDisposable
{
    private const int InFlight = 8;
    private readonly SemaphoreSlim _room = new(InFlight);
    private volatile Exception? _failure;

    /// <summary>Returns when there is room for the write, which has begun.</summary>
    public async Task BeginAsync(Task write, CancellationToken cancel)
    {
        await _room.WaitAsync(cancel);
        _ = EndAsync(write);
    }

    /// <summary>Returns when all are done. To be called when nothing more is begun.</summary>
    /// <exception cref="InvalidOperationException">One of them failed.</exception>
    public async Task DrainAsync(CancellationToken cancel)
    {
        for (var i = 0; i < InFlight; i++) await _room.WaitAsync(cancel);
        _room.Release(InFlight);
        if (_failure is { } failure) throw new InvalidOperationException("A write failed that nobody waited for.", failure);
    }

    public void Dispose() => _room.Dispose();

    private async Task EndAsync(Task write)
    {
        try
        {
            await write;
        }
        catch (Exception e)
        {
            _failure ??= e;
        }
        _room.Release();
    }
}

/// <summary>The tables and topics of changes, without waiting for them. What is handed over is copied where it is read later.</summary>
internal sealed class HastyAnalytics(IAnalyticsSink sink, HastyWrites writes) : IAnalyticsSink
{
    // The batches are read before the sink gives back its task, so they are free when this one has done so.
    public Task WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel) =>
        writes.BeginAsync(sink.WriteEventsAsync(batches, token, cancel), cancel);

    public Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel) =>
        writes.BeginAsync(sink.WriteTagChangesAsync([.. changes], cancel), cancel);

    public Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) =>
        writes.BeginAsync(sink.WriteScoreChangesAsync([.. changes], cancel), cancel);

    public Task WriteLeadsAsync(IReadOnlyList<CustomerLeads> leads, CancellationToken cancel) =>
        writes.BeginAsync(sink.WriteLeadsAsync([.. leads], cancel), cancel);

    public Task WriteActionsAsync(IReadOnlyList<CustomerAction> actions, CancellationToken cancel) =>
        writes.BeginAsync(sink.WriteActionsAsync([.. actions], cancel), cancel);

    public Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel) =>
        writes.BeginAsync(sink.WriteIdentityMapAsync([.. mappings], cancel), cancel);

    // The topic has none; a letter's bytes are those of its batch, so it is waited for.
    public Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel) =>
        sink.WriteDeadLettersAsync(letters, cancel);
}

/// <summary>The topic of identity changes, without waiting for it.</summary>
internal sealed class HastyIdentityChanges(IIdentityChangeSink sink, HastyWrites writes) : IIdentityChangeSink
{
    public Task WriteAsync(IReadOnlyList<IdentityChange> changes, CancellationToken cancel) =>
        writes.BeginAsync(sink.WriteAsync([.. changes], cancel), cancel);
}
