using System.Text.RegularExpressions;
using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Blocks;
using ScrmStream.Pipeline;

namespace ScrmStream.LoadTest.Price;

/// <summary>
/// The tables of the analysts with nothing that tells a repeat: plain MergeTree, no FINAL in the views, inserts without a token that are
/// answered before they are done. Calls may come from any thread.
/// </summary>
internal sealed partial class PlainTables : IDisposable
{
    private readonly HttpClient _http;
    private readonly string _database;

    public PlainTables(ClickHouseOptions options)
    {
        _http = new HttpClient { BaseAddress = new Uri(options.Address) };
        _database = options.Database;
        Sink = new BlockSink(WriteAsync);
    }

    public IAnalyticsSink Sink { get; }

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

    public void Dispose() => _http.Dispose();

    private async Task WriteAsync(NativeBlock block, string? token, CancellationToken cancel)
    {
        var query = Uri.EscapeDataString($"INSERT INTO {block.Into} FORMAT Native");
        const string Settings = "async_insert=0&insert_deduplicate=0&optimize_on_insert=0";
        using var answer = await _http.PostAsync($"/?database={_database}&query={query}&{Settings}", block.ToContent(), cancel);
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
