using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using ScrmStream.ClickHouse.Blocks;
using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;

namespace ScrmStream.ClickHouse;

/// <summary>
/// The analysts' tables in ClickHouse. A call returns when its rows are stored; while the server is away it waits and tries again
/// until it is cancelled. Calls may come from any thread; the client is the caller's to dispose.
/// </summary>
public sealed class ClickHouseSink : IAnalyticsSink
{
    private readonly ClickHouseClient _client;

    private ClickHouseSink(ClickHouseClient client) => _client = client;

    /// <summary>Reaches the server, brings the schema up to date and returns the sink.</summary>
    /// <exception cref="StoreUnavailableException">The server does not answer within <see
    /// cref="ClickHouseOptions.ReachTimeoutMs"/>.</exception>
    /// <exception cref="ClickHouseException">It refuses: access or schema; the message says what to fix.</exception>
    public static async Task<ClickHouseSink> OpenAsync(ClickHouseClient client, CancellationToken cancel, ILogger? log = null)
    {
        await client.PingAsync(cancel);
        await ClickHouseMigrations.ApplyAsync(client, cancel, log);
        return new ClickHouseSink(client);
    }

    /// <summary>The greatest writer epoch of any row; 0 without rows. Reads one column of the table.</summary>
    public async Task<ulong> GreatestEpochAsync(CancellationToken cancel) => ulong.Parse(
        Encoding.UTF8.GetString(await _client.QueryAsync("SELECT max(epoch) FROM events_rows", "TabSeparated", cancel)).TrimEnd('\n'),
        CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    /// <remarks>One insert of one block. The bytes of the batches are read before the call yields.</remarks>
    public async Task WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel)
    {
        using var events = new EventBlock();
        for (var i = 0; i < batches.Count; i++) events.Add(batches[i]);
        if (events.Block.Rows == 0) return;
        try
        {
            await _client.InsertAsync(events.Block, token, cancel);
        }
        catch (ClickHouseException e) when (e.Kind == ClickHouseErrorKind.Data)
        {
            throw new RowsRefusedException(e.Message, e);
        }
    }

    /// <inheritdoc/>
    public Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel) =>
        WriteAsync(ChangeBlocks.Of(changes), cancel);

    /// <inheritdoc/>
    public Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) =>
        WriteAsync(ChangeBlocks.Of(changes), cancel);

    /// <inheritdoc/>
    public Task WriteLeadsAsync(IReadOnlyList<CustomerLeads> leads, CancellationToken cancel) => WriteAsync(LeadBlock.Of(leads), cancel);

    /// <inheritdoc/>
    public Task WriteActionsAsync(IReadOnlyList<CustomerAction> actions, CancellationToken cancel) =>
        WriteAsync(ActionBlock.Of(actions), cancel);

    /// <inheritdoc/>
    public Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel) =>
        WriteAsync(ChangeBlocks.Of(mappings), cancel);

    /// <inheritdoc/>
    public Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel) =>
        WriteAsync(ChangeBlocks.Of(letters), cancel);

    // Without a token the server compares content: the same rows again are dropped there, or else by the views.
    private async Task WriteAsync(NativeBlock block, CancellationToken cancel)
    {
        using (block)
            if (block.Rows > 0) await _client.InsertAsync(block, token: null, cancel);
    }
}
