using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Queries;
using ScrmStream.Host.Settings;

namespace ScrmStream.Host.Commands;

/// <summary>
/// The rows of a ClickHouse query as an NDJSON file, one object a row: whatever ClickHouse reads (Parquet, ORC, other databases, tables)
/// becomes an input of files. The file is gone when it is disposed.
/// </summary>
public sealed class QueryRows : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("scrmstream-query-");

    private QueryRows()
    {
    }

    public string Path => System.IO.Path.Combine(_folder.FullName, "query.ndjson");

    /// <summary>Runs the query to its end.</summary>
    /// <exception cref="ClickHouseException">The server refused it.</exception>
    /// <exception cref="Pipeline.StoreUnavailableException">The server was not reached.</exception>
    public static async Task<QueryRows> ReadAsync(HostSettings settings, string sql, CancellationToken cancel)
    {
        if (!settings.HasClickHouse) throw Exits.NoAddress("ClickHouse", "--clickhouse http://");
        using var client = new ClickHouseClient(settings.ClickHouse);
        var rows = new QueryRows();
        try
        {
            await using var file = new FileStream(rows.Path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 1 << 20);
            await SqlQuery.CopyAsync(client, sql, "JSONEachRow", file, cancel);
            return rows;
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
