using ScrmStream.ClickHouse;
using ScrmStream.Host.Reading;

namespace ScrmStream.Host.Servers;

/// <summary>What can be told of a ClickHouse from outside.</summary>
/// <param name="Tables">Rows by table, repeats left out; empty when the database is not there yet.</param>
/// <param name="AppliedSchema">Numbers of the schema files that were applied.</param>
public sealed record ClickHouseState(string Version, IReadOnlyDictionary<string, long> Tables, IReadOnlyList<int> AppliedSchema);

/// <summary>Asks a ClickHouse about itself and its database.</summary>
public static class ClickHouseProbe
{
    private const int UnknownDatabase = 81;

    private static readonly string[] Tables = ["events", "identity_map", "tag_changes", "score_changes", "dead_letters"];

    /// <exception cref="ClickHouseException">The server refused a query.</exception>
    /// <exception cref="Pipeline.StoreUnavailableException">The server was not reached in time.</exception>
    public static async Task<ClickHouseState> LookAsync(ClickHouseOptions options, CancellationToken cancel)
    {
        // The database may not be there yet, so the server itself is asked first.
        using var server = new ClickHouseClient(new ClickHouseOptions
        {
            Address = options.Address, Database = "default", User = options.User, Password = options.Password,
            CertificateAuthorityFile = options.CertificateAuthorityFile, RequestTimeoutMs = options.RequestTimeoutMs,
                ReachTimeoutMs = options.ReachTimeoutMs,
        });
        var version = (await ResultRows.ReadAsync(server, "SELECT version()", cancel))[0][0].GetString()!;
        using var database = new ClickHouseClient(options);
        try
        {
            var tables = await ResultRows.ReadAsync(database, "SELECT name FROM system.tables WHERE database = currentDatabase()", cancel);
            var known = tables.Select(t => t[0].GetString()!).ToHashSet();
            var counts = Tables.Where(known.Contains).Select(t => $"SELECT '{t}', count() FROM {t}").ToList();
            var rows = counts.Count == 0 ? [] : await ResultRows.ReadAsync(database, string.Join(" UNION ALL ", counts), cancel);
            var applied = known.Contains("schema_migrations")
                ? await ResultRows.ReadAsync(database, "SELECT DISTINCT number FROM schema_migrations ORDER BY number", cancel) : [];
            return new ClickHouseState(
                version, rows.ToDictionary(r => r[0].GetString()!, r => ResultRows.Long(r[1])),
                [.. applied.Select(r => r[0].GetInt32())]);
        }
        catch (ClickHouseException e) when (e.Code == UnknownDatabase)
        {
            return new ClickHouseState(version, new Dictionary<string, long>(), []);
        }
    }
}
