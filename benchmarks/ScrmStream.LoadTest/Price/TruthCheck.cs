using System.Globalization;
using System.Text;
using ScrmStream.ClickHouse;
using ScrmStream.Pipeline;

namespace ScrmStream.LoadTest.Price;

/// <summary>Compares what a run came to with what the generator knows, and keeps what differs.</summary>
internal sealed class TruthCheck(ReferenceTruth truth)
{
    private readonly List<string> _wrong = [];

    /// <summary>What is not as it should be, in words.</summary>
    public IReadOnlyList<string> Wrong => _wrong;

    public void Pipeline(StreamPipeline pipeline)
    {
        Same("events accepted", truth.Events, pipeline.Counters.Accepted);
        Same("events rejected", 0, pipeline.Counters.Rejected);
        Same("identifiers in memory", truth.Identifiers, pipeline.State.Count);
    }

    /// <param name="where">The store, as it is named when something is wrong.</param>
    public void Stored(string where, StoreTotals totals)
    {
        Same($"identifiers in {where}", truth.Identifiers, totals.Identifiers);
        Same($"customers in {where}", truth.Customers, totals.Customers);
        Same($"tags in {where}", truth.Tags, totals.Tags);
    }

    public async Task TablesAsync(ClickHouseClient client, CancellationToken cancel)
    {
        await AskAsync("rows in ClickHouse", truth.Events, "SELECT count() FROM events");
        await AskAsync("distinct coordinates", truth.Events, "SELECT uniqExact(topic_id, partition, offset, `index`) FROM events");
        await AskAsync("fen paid", truth.PaidFen, "SELECT sumIf(amount_fen, event = 'order_paid') FROM events");
        await AskAsync("customers in ClickHouse", truth.Customers, "SELECT uniqExact(customer) FROM events_resolved");

        async Task AskAsync(string what, long expected, string sql) => Same(what, expected, long.Parse(
            Encoding.UTF8.GetString(await client.QueryAsync(sql, "TabSeparated", cancel)), CultureInfo.InvariantCulture));
    }

    public void Same(string what, long expected, long found)
    {
        if (found != expected) _wrong.Add(string.Create(CultureInfo.InvariantCulture, $"{what}: {found}, not {expected}"));
    }
}
