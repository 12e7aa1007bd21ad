using System.Text.Json;

namespace ScrmStream.ClickHouse.Queries;

/// <summary>A result as text, for a table on a terminal.</summary>
public sealed record SqlTable(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows);

/// <summary>Passes an analyst's SQL through.</summary>
public static class SqlQuery
{
    /// <summary>
    /// Runs a query and reads its result as text; NULL reads as <c>NULL</c>. For results that fit a screen or a file in memory.
    /// </summary>
    /// <exception cref="ClickHouseException">The server refused the query.</exception>
    /// <exception cref="Pipeline.StoreUnavailableException">The server was not reached in time.</exception>
    public static async Task<SqlTable> RunAsync(ClickHouseClient client, string sql, CancellationToken cancel)
    {
        var answer = await client.QueryAsync(sql, "JSONCompactStrings", cancel);
        if (answer.Length == 0) return new SqlTable([], []);
        using var json = JsonDocument.Parse(answer);
        var columns = json.RootElement.GetProperty("meta").EnumerateArray().Select(c => c.GetProperty("name").GetString()!);
        var rows = json.RootElement.GetProperty("data").EnumerateArray().Select(IReadOnlyList<string> (row) => [.. row.EnumerateArray()
            .Select(Text)]);
        return new SqlTable([.. columns], [.. rows]);
    }

    /// <summary>Runs a query and writes its result in a ClickHouse format (JSONEachRow, CSVWithNames, ...) as it comes.</summary>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    public static Task CopyAsync(ClickHouseClient client, string sql, string format, Stream destination, CancellationToken cancel) =>
        client.CopyResultAsync(sql, format, destination, cancel);

    private static string Text(JsonElement cell) =>
        cell.ValueKind == JsonValueKind.Null ? "NULL" : cell.GetString() is "ᴺᵁᴸᴸ" ? "NULL" : cell.GetString()!;
}
