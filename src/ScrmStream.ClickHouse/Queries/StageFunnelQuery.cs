using System.Globalization;
using System.Text;
using System.Text.Json;

namespace ScrmStream.ClickHouse.Queries;

/// <summary>
/// Asks a funnel of stages over <c>leads_rows</c>: a lead counts once at each step, when it first reaches it, and only behind the steps
/// before. Leads are those of the customers known now.
/// </summary>
public static class StageFunnelQuery
{
    private const int ColumnsPerStep = 4;

    /// <summary>The SQL, for people to read and paste.</summary>
    /// <exception cref="FormatException">The funnel is out of its limits.</exception>
    public static string Sql(StageFunnelOptions funnel) => StageFunnelSql.Write(funnel);

    /// <summary>The pipelines that the rules which ran last had, in order of name.</summary>
    /// <exception cref="ClickHouseException">The server refused the query.</exception>
    public static async Task<IReadOnlyList<DescribedPipeline>> PipelinesAsync(ClickHouseClient client, CancellationToken cancel)
    {
        var rows = await RowsAsync(
            client, "SELECT pipeline, type, stages, stage_titles, funnel FROM pipelines ORDER BY pipeline", cancel);
        return rows.ConvertAll(r => new DescribedPipeline(r[0].GetString()!, r[1].GetString()!, Texts(r[2]), Texts(r[3]), Texts(r[4])));
    }

    /// <summary>One group, or with <see cref="StageFunnelOptions.By"/> one per value, the most leads first.</summary>
    /// <exception cref="FormatException">As of <see cref="Sql"/>.</exception>
    /// <exception cref="ClickHouseException">The server refused the query.</exception>
    /// <exception cref="Pipeline.StoreUnavailableException">The server was not reached in time.</exception>
    public static async Task<IReadOnlyList<StageFunnelGroup>> RunAsync(
        ClickHouseClient client, StageFunnelOptions funnel, CancellationToken cancel)
    {
        var rows = await RowsAsync(client, Sql(funnel), cancel);
        var first = funnel.By is null ? 0 : 1;
        return rows.ConvertAll(row => new StageFunnelGroup(
            funnel.By is null ? null : row[0].GetString(),
            [.. funnel.Stages.Select((stage, i) => Step(row, first + i * ColumnsPerStep, stage))]));
    }

    private static StageFunnelStep Step(JsonElement[] row, int at, string stage) =>
        new(stage, Long(row[at])!.Value, Long(row[at + 1])!.Value, Long(row[at + 2]), Long(row[at + 3]));

    private static async Task<List<JsonElement[]>> RowsAsync(ClickHouseClient client, string sql, CancellationToken cancel)
    {
        var answer = await client.QueryAsync(sql, "JSONCompactEachRow", cancel);
        return [.. Encoding.UTF8.GetString(answer).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<JsonElement[]>(line)!)];
    }

    private static List<string> Texts(JsonElement list) => [.. list.EnumerateArray().Select(t => t.GetString()!)];

    private static long? Long(JsonElement cell) => cell.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.String => long.Parse(cell.GetString()!, CultureInfo.InvariantCulture),
        _ => cell.GetInt64(),
    };
}
