using System.Text.Json;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Reading;
using ScrmStream.Rules;
using ScrmStream.Rules.Sql;

namespace ScrmStream.Host.Auditing;

/// <summary>
/// A part of all customers: a range of the buckets of their ids, small enough that what SQL says of them fits in memory.
/// </summary>
internal sealed record CustomerParts(int FirstBucket, int Buckets)
{
    private const int EventsPerPart = 500_000, AllBuckets = 4096;

    public static CustomerParts All { get; } = new(0, AllBuckets);

    /// <summary>As many parts as the number of events asks for.</summary>
    public static async Task<IReadOnlyList<CustomerParts>> OfAsync(ClickHouseClient clickHouse, CancellationToken cancel)
    {
        var counted = await ResultRows.ReadAsync(clickHouse, "SELECT count() FROM events_rows", cancel);
        var parts = (int)Math.Clamp(ResultRows.Long(counted[0][0]) / EventsPerPart + 1, 1, AllBuckets);
        return [.. Enumerable.Range(0, parts).Select(p => new CustomerParts(First(p), First(p + 1) - First(p)))];

        int First(int part) => (int)((long)part * AllBuckets / parts);
    }

    /// <summary>
    /// What rules say of the part's customers as of a time, or of some of them, in order of customer. Rows are made as they are read.
    /// </summary>
    public async Task<IEnumerable<AuditRow>> ReadAsync(
        ClickHouseClient clickHouse, RuleSet rules, long asOfMs, CancellationToken cancel, IReadOnlyList<string>? customers = null)
    {
        var sql = RuleQuery.OfAll(rules, asOfMs, FirstBucket, Buckets, customers);
        return Rows(await clickHouse.QueryAsync(sql, "JSONCompactEachRow", cancel));
    }

    private static IEnumerable<AuditRow> Rows(byte[] lines)
    {
        for (int at = 0, end; at < lines.Length; at = end + 1)
        {
            end = Array.IndexOf(lines, (byte)'\n', at);
            if (end < 0) end = lines.Length;
            if (end > at) yield return new AuditRow(JsonSerializer.Deserialize<JsonElement[]>(lines.AsSpan(at, end - at))!);
        }
    }
}
