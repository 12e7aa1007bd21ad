using ScrmStream.ClickHouse.Blocks;
using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;

namespace ScrmStream.LoadTest.Price;

/// <summary>
/// The tables of the analysts as blocks, for whoever does something else with them than <c>run</c>. Calls may come from any thread.
/// </summary>
/// <param name="write">Gets a block that has rows, with its token, null where it has none; the block ends with the task.</param>
internal sealed class BlockSink(Func<NativeBlock, string?, CancellationToken, Task> write) : IAnalyticsSink
{
    public Task WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel)
    {
        var events = new EventBlock();
        for (var i = 0; i < batches.Count; i++) events.Add(batches[i]);
        return WriteAsync(events.Block, token, cancel);
    }

    public Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel) =>
        WriteAsync(ChangeBlocks.Of(changes), token: null, cancel);

    public Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) =>
        WriteAsync(ChangeBlocks.Of(changes), token: null, cancel);

    public Task WriteLeadsAsync(IReadOnlyList<CustomerLeads> leads, CancellationToken cancel) =>
        WriteAsync(LeadBlock.Of(leads), token: null, cancel);

    public Task WriteActionsAsync(IReadOnlyList<CustomerAction> actions, CancellationToken cancel) =>
        WriteAsync(ActionBlock.Of(actions), token: null, cancel);

    public Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel) =>
        WriteAsync(ChangeBlocks.Of(mappings), token: null, cancel);

    public Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel) =>
        WriteAsync(ChangeBlocks.Of(letters), token: null, cancel);

    private async Task WriteAsync(NativeBlock block, string? token, CancellationToken cancel)
    {
        using var _ = block;
        if (block.Rows > 0) await write(block, token, cancel);
    }
}
