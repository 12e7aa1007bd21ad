using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;

namespace ScrmStream.TestKit.Simulation;

/// <summary>What a simulated way to ClickHouse and to the dead-letter topic can be told to leave out.</summary>
[Flags]
public enum ClickHouseBugs
{
    None = 0,
    /// <summary>An insert without an answer is taken for done.</summary>
    NotRepeated = 1,
    /// <summary>An insert counts as durable when it is sent.</summary>
    NotAwaited = 2,
    /// <summary>A dead letter that the topic does not take is dropped.</summary>
    LettersDropped = 4,
}

/// <summary>A process's way to the analysts' tables and to the dead-letter topic of a simulated world.</summary>
/// <param name="server">Where the tables are.</param>
/// <param name="tables">What is stored there.</param>
/// <param name="topic">Where dead letters go.</param>
/// <param name="letters">What the topic has.</param>
public sealed class SimulatedClickHouse(
    SimulatedServer server, MemoryAnalytics tables, SimulatedServer topic, MemoryAnalytics letters, SimulatedProcess process,
    ClickHouseBugs bugs = ClickHouseBugs.None) : IAnalyticsSink, IDeadLetterSink
{
    public Task WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel)
    {
        var rows = MemoryAnalytics.RowsOf(batches);
        var insert = SendAsync(() => tables.Write(rows, token), cancel);
        return bugs.HasFlag(ClickHouseBugs.NotAwaited) ? Task.CompletedTask : insert;
    }

    /// <inheritdoc cref="FindStoredRows"/>
    public Task<StoredRows> FindAsync(IReadOnlyList<OffsetRange> ranges, CancellationToken cancel) =>
        server.CallAsync<StoredRows>(process, () => () => tables.FindAsync(ranges, CancellationToken.None).Result, cancel);

    public Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel) =>
        CopyAsync(changes, tables.WriteTagChangesAsync, cancel);

    public Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) =>
        CopyAsync(changes, tables.WriteScoreChangesAsync, cancel);

    public Task WriteLeadsAsync(IReadOnlyList<CustomerLeads> leads, CancellationToken cancel) =>
        CopyAsync(leads, tables.WriteLeadsAsync, cancel);

    public Task WriteActionsAsync(IReadOnlyList<CustomerAction> actions, CancellationToken cancel) =>
        CopyAsync(actions, tables.WriteActionsAsync, cancel);

    public Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel) =>
        CopyAsync([.. mappings.Select(m => m with { Text = m.Text.ToArray() })], tables.WriteIdentityMapAsync, cancel);

    public Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> rejected, CancellationToken cancel) =>
        CopyAsync([.. rejected.Select(Own)], tables.WriteDeadLettersAsync, cancel);

    async Task IDeadLetterSink.WriteAsync(IReadOnlyList<DeadLetter> rejected, CancellationToken cancel)
    {
        DeadLetter[] copy = [.. rejected.Select(Own)];
        Func<bool> effect = () => Done(() => letters.WriteAsync(copy, CancellationToken.None));
        if (bugs.HasFlag(ClickHouseBugs.LettersDropped)) await topic.AskAsync(process, effect, mayComeLate: false, cancel);
        else await topic.CallAsync(process, () => effect, cancel);
    }

    private static DeadLetter Own(DeadLetter letter) =>
        letter with { Raw = letter.Raw.ToArray(), Key = letter.Key.ToArray(), Headers = letter.Headers.ToArray() };

    private Task CopyAsync<T>(IReadOnlyList<T> rows, Func<IReadOnlyList<T>, CancellationToken, Task> write, CancellationToken cancel)
    {
        T[] copy = [.. rows];
        return SendAsync(() => write(copy, CancellationToken.None), cancel);
    }

    private async Task SendAsync(Action insert, CancellationToken cancel)
    {
        Func<bool> effect = () => Done(insert);
        if (bugs.HasFlag(ClickHouseBugs.NotRepeated)) await server.AskAsync(process, effect, mayComeLate: false, cancel);
        else await server.CallAsync(process, () => effect, cancel);
    }

    private static bool Done(Action effect)
    {
        effect();
        return true;
    }
}
