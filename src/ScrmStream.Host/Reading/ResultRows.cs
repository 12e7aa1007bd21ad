using System.Globalization;
using System.Text;
using System.Text.Json;
using ScrmStream.ClickHouse;

namespace ScrmStream.Host.Reading;

/// <summary>Reads a small result of ClickHouse whole: an array of JSON values a row.</summary>
internal static class ResultRows
{
    /// <exception cref="ClickHouseException">The server refused the query.</exception>
    /// <exception cref="Pipeline.StoreUnavailableException">The server was not reached in time.</exception>
    public static async Task<List<JsonElement[]>> ReadAsync(ClickHouseClient client, string sql, CancellationToken cancel)
    {
        var answer = await client.QueryAsync(sql, "JSONCompactEachRow", cancel);
        var lines = Encoding.UTF8.GetString(answer).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. lines.Select(line => JsonSerializer.Deserialize<JsonElement[]>(line)!)];
    }

    /// <summary>A 64-bit integer; older servers write it as a string.</summary>
    public static long Long(JsonElement number) =>
        number.ValueKind == JsonValueKind.String ? long.Parse(number.GetString()!, CultureInfo.InvariantCulture) : number.GetInt64();
}
