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

    /// <summary>What rules say of the part's customers as of a time, or of some of them.</summary>
    public async Task<List<AuditRow>> ReadAsync(
        ClickHouseClient clickHouse, RuleSet rules, long asOfMs, CancellationToken cancel, IReadOnlyList<string>? customers = null)
    {
        var sql = RuleQuery.OfAll(rules, asOfMs, FirstBucket, Buckets, customers);
        return (await ResultRows.ReadAsync(clickHouse, sql, cancel)).ConvertAll(row => new AuditRow(row));
    }
}
