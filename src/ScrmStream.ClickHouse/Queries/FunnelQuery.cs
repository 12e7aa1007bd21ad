using System.Text;
using System.Text.Json;

namespace ScrmStream.ClickHouse.Queries;

/// <summary>Asks a funnel over <c>events_resolved</c>: customers are those known now, or at <see cref="FunnelOptions.KnownAt"/>.</summary>
public static class FunnelQuery
{
    /// <summary>The SQL, for people to read and paste.</summary>
    /// <exception cref="FormatException">The funnel is out of its limits, or the field is unknown.</exception>
    public static string Sql(FunnelOptions funnel) => FunnelSql.Write(funnel);

    /// <summary>One group, or with <see cref="FunnelOptions.By"/> one per value, the most customers first.</summary>
    /// <exception cref="FormatException">As of <see cref="Sql"/>.</exception>
    /// <exception cref="ClickHouseException">The server refused the query.</exception>
    /// <exception cref="Pipeline.StoreUnavailableException">The server was not reached in time.</exception>
    public static async Task<IReadOnlyList<FunnelGroup>> RunAsync(ClickHouseClient client, FunnelOptions funnel, CancellationToken cancel)
    {
        var answer = await client.QueryAsync(Sql(funnel), "JSONCompactStringsEachRow", cancel);
        var rows = Encoding.UTF8.GetString(answer).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<string[]>(line)!).ToList();
        var groups = new List<FunnelGroup>();
        for (var at = 0; at < rows.Count; at += funnel.Steps.Count)
        {
            var steps = rows.GetRange(at, funnel.Steps.Count)
                .Select(row => new FunnelStep(row[^2], long.Parse(row[^1], System.Globalization.CultureInfo.InvariantCulture)));
            groups.Add(new FunnelGroup(funnel.By is null ? null : rows[at][0], [.. steps]));
        }
        return groups;
    }
}
