using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Rules.Sql;

namespace ScrmStream.ClickHouse;

/// <summary>One schema file: <c>0001-events.sql</c> is number 1, name events.</summary>
public sealed record ClickHouseMigration(int Number, string Name, string Sql)
{
    /// <summary>SHA-256 of the text with line feeds, 64 hex digits.</summary>
    public string Checksum { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Sql.ReplaceLineEndings("\n"))));

    /// <summary>The statements: each ends with a semicolon at the end of its line.</summary>
    public IEnumerable<string> Statements =>
        Sql.ReplaceLineEndings("\n").Split(";\n").Select(s => s.Trim()).Where(s => s.Split('\n').Any(line => !IsCommentOrEmpty(line)));

    private static bool IsCommentOrEmpty(string line) =>
        line.Trim().Length == 0 || line.TrimStart().StartsWith("--", StringComparison.Ordinal);
}

/// <summary>
/// Brings a database to this version's schema: numbered files, applied in order, each once, recorded in <c>schema_migrations</c>.
/// Every statement may run twice, so a crash between two of them, or two processes at once, do no harm.
/// </summary>
public static class ClickHouseMigrations
{
    private const string ResourcePrefix = "clickhouse/";

    /// <summary>The files of this build, in order.</summary>
    public static IReadOnlyList<ClickHouseMigration> All { get; } = ReadAll();

    /// <summary>Makes the database when it is missing and applies what it lacks.</summary>
    /// <returns>How many were applied.</returns>
    /// <exception cref="ClickHouseSchemaException">An applied file was changed afterwards, or the database is newer than this
    /// build.</exception>
    /// <exception cref="ClickHouseException">The server refused a statement.</exception>
    public static Task<int> ApplyAsync(ClickHouseClient client, CancellationToken cancel, ILogger? log = null) =>
        ApplyAsync(client, All, cancel, log);

    internal static async Task<int> ApplyAsync(
        ClickHouseClient client, IReadOnlyList<ClickHouseMigration> migrations, CancellationToken cancel, ILogger? log = null)
    {
        await client.QueryInAsync("default", $"CREATE DATABASE IF NOT EXISTS {SqlText.Name(client.Database)}", "TabSeparated", cancel);
        await client.CommandAsync(
            "CREATE TABLE IF NOT EXISTS schema_migrations (number UInt32, name String, checksum String) " +
            "ENGINE = ReplacingMergeTree ORDER BY number", cancel);
        var applied = await ReadAppliedAsync(client, cancel);
        Check(client, migrations, applied);
        var count = 0;
        foreach (var migration in migrations)
        {
            if (applied.ContainsKey(migration.Number)) continue;
            foreach (var statement in migration.Statements) await client.CommandAsync(statement, cancel);
            var row = $"{migration.Number}, {SqlText.Quote(migration.Name)}, {SqlText.Quote(migration.Checksum)}";
            await client.CommandAsync($"INSERT INTO schema_migrations SELECT {row}", cancel);
            ClickHouseLog.MigrationApplied(log ?? NullLogger.Instance, migration.Number, migration.Name, client.Database);
            count++;
        }
        return count;
    }

    private static async Task<Dictionary<int, string>> ReadAppliedAsync(ClickHouseClient client, CancellationToken cancel)
    {
        var answer = await client.QueryAsync("SELECT number, checksum FROM schema_migrations FINAL ORDER BY number", "JSONCompactEachRow",
            cancel);
        var applied = new Dictionary<int, string>();
        foreach (var line in Encoding.UTF8.GetString(answer).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var row = JsonDocument.Parse(line);
            applied.Add(row.RootElement[0].GetInt32(), row.RootElement[1].GetString()!);
        }
        return applied;
    }

    private static void Check(ClickHouseClient client, IReadOnlyList<ClickHouseMigration> migrations, Dictionary<int, string> applied)
    {
        foreach (var (number, checksum) in applied)
        {
            var known = migrations.FirstOrDefault(m => m.Number == number) ?? throw new ClickHouseSchemaException(
                $"Database {client.Database} at {client.Address} has schema {number:0000}, which this build does not know: " +
                "it is older than the database. Run the newer build, or use another --namespace.");
            if (known.Checksum != checksum)
                throw new ClickHouseSchemaException(
                    $"schemas/clickhouse/{number:0000}-{known.Name}.sql was changed after it was applied to database " +
                    $"{client.Database} at {client.Address}. Put the file back and make the change in a new file with the next number.");
        }
    }

    private static List<ClickHouseMigration> ReadAll()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return [.. assembly.GetManifestResourceNames()
            .Where(n => n.StartsWith(ResourcePrefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)
                .Select(n => Read(assembly, n))];
    }

    private static ClickHouseMigration Read(Assembly assembly, string resource)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!, Encoding.UTF8);
        var file = Path.GetFileNameWithoutExtension(resource[ResourcePrefix.Length..]);
        var dash = file.IndexOf('-', StringComparison.Ordinal);
        return new ClickHouseMigration(int.Parse(file[..dash], System.Globalization.CultureInfo.InvariantCulture), file[(dash + 1)..],
            reader.ReadToEnd());
    }
}
