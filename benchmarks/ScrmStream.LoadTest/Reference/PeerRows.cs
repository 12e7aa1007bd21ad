using System.Diagnostics;
using System.Globalization;
using System.Text;
using ScrmStream.ClickHouse;
using ScrmStream.LoadTest.Plain;
using ScrmStream.LoadTest.Price;

namespace ScrmStream.LoadTest.Reference;

/// <summary>The table of one run of another engine, without anything that tells a repeat. Calls may come from any thread.</summary>
internal sealed class PeerRows : IDisposable
{
    private readonly ClickHouseClient _client;
    private readonly string _address, _table;
    private readonly bool _isNamed;

    private PeerRows(string address, string peer)
    {
        _client = new ClickHouseClient(new ClickHouseOptions { Address = address, Database = "default" });
        // The plain reference has a name of its own for its table.
        (_address, _isNamed) = (address, peer != PeerRun.PlainNet);
        _table = _isNamed ? "peer_events" : PlainWork.Table;
    }

    /// <summary>Makes an empty table.</summary>
    public static async Task<PeerRows> OpenAsync(string address, string peer, CancellationToken cancel)
    {
        var rows = new PeerRows(address, peer);
        await rows._client.CommandAsync($"DROP TABLE IF EXISTS {rows._table} SYNC", cancel);
        await rows._client.CommandAsync(PlainWork.CreateTable(rows._table), cancel);
        return rows;
    }

    /// <summary>Tells a peer where its rows go.</summary>
    public void AddArguments(ProcessStartInfo start)
    {
        foreach (var argument in (string[])["--clickhouse", _address, .. _isNamed ? (string[])["--table", _table] : []])
            start.ArgumentList.Add(argument);
    }

    public async Task CheckAsync(TruthCheck check, ReferenceTruth truth, CancellationToken cancel)
    {
        check.Same("rows in ClickHouse", truth.Events, await AskAsync("count()"));
        check.Same("distinct event_ids", truth.Events, await AskAsync("uniqExact(event_id)"));
        check.Same("fen paid in ClickHouse", truth.PaidFen, await AskAsync("sumIf(amount_fen, event = 'order_paid')"));
        await _client.CommandAsync($"DROP TABLE {_table} SYNC", cancel);

        async Task<long> AskAsync(string what) => long.Parse(
            Encoding.UTF8.GetString(await _client.QueryAsync($"SELECT {what} FROM {_table}", "TabSeparated", cancel)),
            CultureInfo.InvariantCulture);
    }

    public void Dispose() => _client.Dispose();
}
