using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
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
    private readonly ILogger _log;
    private readonly DerivedRows _derived;

    private ClickHouseSink(ClickHouseClient client, IDeadLetterSink? letters, ILogger log)
    {
        (_client, _log) = (client, log);
        _derived = new DerivedRows(client, letters, log);
    }

    /// <summary>Reaches the server, brings the schema up to date and returns the sink.</summary>
    /// <exception cref="StoreUnavailableException">The server does not answer within <see
    /// cref="ClickHouseOptions.ReachTimeoutMs"/>.</exception>
    /// <exception cref="ClickHouseException">It refuses: access or schema; the message says what to fix.</exception>
    public static async Task<ClickHouseSink> OpenAsync(ClickHouseClient client, CancellationToken cancel, ILogger? log = null)
    {
        await client.PingAsync(cancel);
        await ClickHouseMigrations.ApplyAsync(client, cancel, log);
        return new ClickHouseSink(client, letters: null, log ?? NullLogger.Instance);
    }

    /// <summary>No writer epoch of any row is greater; 0 without rows. Reads one column of the table.</summary>
    public async Task<ulong> GreatestEpochAsync(CancellationToken cancel) => RowEpoch.WriterEpochMax(ulong.Parse(
        Encoding.UTF8.GetString(await _client.QueryAsync("SELECT max(epoch) FROM events_rows", "TabSeparated", cancel)).TrimEnd('\n'),
        CultureInfo.InvariantCulture));

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

    /// <summary>
    /// The same tables. Where a block of mappings, changes, leads or actions is refused for what is in it, the rows at fault become
    /// letters, up to <see cref="DerivedRows.RefusedMax"/> of one block; of this sink they are an error.
    /// </summary>
    public ClickHouseSink SettingAside(IDeadLetterSink letters) => new(_client, letters, _log);

    /// <inheritdoc/>
    public Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel) =>
        _derived.WriteAsync(DerivedTables.Tags, changes, cancel);

    /// <inheritdoc/>
    public Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) =>
        _derived.WriteAsync(DerivedTables.Scores, changes, cancel);

    /// <inheritdoc/>
    public Task WriteLeadsAsync(IReadOnlyList<CustomerLeads> leads, CancellationToken cancel) =>
        _derived.WriteAsync(DerivedTables.Leads, leads, cancel);

    /// <inheritdoc/>
    public Task WriteActionsAsync(IReadOnlyList<CustomerAction> actions, CancellationToken cancel) =>
        _derived.WriteAsync(DerivedTables.Actions, actions, cancel);

    /// <inheritdoc/>
    public Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel) =>
        _derived.WriteAsync(DerivedTables.IdentityMap, mappings, cancel);

    /// <inheritdoc/>
    public async Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel)
    {
        using var block = ChangeBlocks.Of(letters);
        if (block.Rows > 0) await _client.InsertAsync(block, token: null, cancel);
    }
}
