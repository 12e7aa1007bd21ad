using System.Text.RegularExpressions;
using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Blocks;
using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;

namespace ScrmStream.LoadTest.Price;

/// <summary>
/// The tables of the analysts with nothing that tells a repeat: plain MergeTree, no FINAL in the views, inserts without a token that are
/// answered before they are done. Calls may come from any thread.
/// </summary>
internal sealed partial class PlainTables(ClickHouseOptions options) : IAnalyticsSink, IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new Uri(options.Address) };

    /// <summary>Makes the tables and views of this version in a database that does not exist yet; a sink finds all applied.</summary>
    public static async Task CreateAsync(ClickHouseClient client, CancellationToken cancel)
    {
        await ClickHouseMigrations.ApplyAsync(client, [], cancel);
        foreach (var migration in ClickHouseMigrations.All)
        {
            foreach (var statement in migration.Statements) await client.CommandAsync(Plain(statement), cancel);
            var row = $"{migration.Number}, '{migration.Name}', '{migration.Checksum}'";
            await client.CommandAsync($"INSERT INTO schema_migrations SELECT {row}", cancel);
        }
    }

    public Task WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel)
    {
        var events = new EventBlock();
        for (var i = 0; i < batches.Count; i++) events.Add(batches[i]);
        return WriteAsync(events.Block, cancel);
    }

    public Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel) =>
        WriteAsync(ChangeBlocks.Of(changes), cancel);

    public Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) =>
        WriteAsync(ChangeBlocks.Of(changes), cancel);

    public Task WriteLeadsAsync(IReadOnlyList<CustomerLeads> leads, CancellationToken cancel) =>
        WriteAsync(LeadBlock.Of(leads), cancel);

    public Task WriteActionsAsync(IReadOnlyList<CustomerAction> actions, CancellationToken cancel) =>
        WriteAsync(ActionBlock.Of(actions), cancel);

    public Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel) =>
        WriteAsync(ChangeBlocks.Of(mappings), cancel);

    public Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel) =>
        WriteAsync(ChangeBlocks.Of(letters), cancel);

    public void Dispose() => _http.Dispose();

    private async Task WriteAsync(NativeBlock block, CancellationToken cancel)
    {
        using var _ = block;
        if (block.Rows == 0) return;
        var query = Uri.EscapeDataString($"INSERT INTO {block.Into} FORMAT Native");
        const string Settings = "async_insert=0&insert_deduplicate=0&optimize_on_insert=0";
        using var answer = await _http.PostAsync($"/?database={options.Database}&query={query}&{Settings}", block.ToContent(), cancel);
        if (!answer.IsSuccessStatusCode) throw new IOException(await answer.Content.ReadAsStringAsync(cancel));
    }

    private static string Plain(string statement) =>
        Final().Replace(Window().Replace(Replacing().Replace(statement, "MergeTree"), "0"), "");

    [GeneratedRegex(@"ReplacingMergeTree(\([^)]*\))?")]
    private static partial Regex Replacing();

    [GeneratedRegex(@"(?<=non_replicated_deduplication_window = )\d+")]
    private static partial Regex Window();

    [GeneratedRegex(@"\bFINAL\b")]
    private static partial Regex Final();
}
