using System.Globalization;
using System.Text;

namespace ScrmStream.ClickHouse;

/// <summary>The copy of Redis's mark, which stays when Redis is emptied or rolled back. Calls may come from any thread.</summary>
public sealed class RedisMarkTable(ClickHouseClient client)
{
    /// <summary>Null where there is none.</summary>
    /// <exception cref="ClickHouseException">The server refused the query.</exception>
    public async Task<(ulong Generation, ulong Mark)?> ReadAsync(CancellationToken cancel)
    {
        const string sql = "SELECT generation, max(mark) FROM redis_marks_rows GROUP BY generation ORDER BY generation DESC LIMIT 1";
        var answer = Encoding.UTF8.GetString(await client.QueryAsync(sql, "TabSeparated", cancel)).Trim();
        if (answer.Length == 0) return null;
        var columns = answer.Split('\t');
        return (ulong.Parse(columns[0], CultureInfo.InvariantCulture), ulong.Parse(columns[1], CultureInfo.InvariantCulture));
    }

    /// <exception cref="ClickHouseException">The server refused the row.</exception>
    public Task WriteAsync(ulong generation, ulong mark, CancellationToken cancel) => client.CommandAsync(
        string.Create(CultureInfo.InvariantCulture, $"INSERT INTO redis_marks_rows SELECT {generation}, {mark}"), cancel);
}
