using System.Globalization;
using ScrmStream.ClickHouse.Blocks;
using ScrmStream.Identity;
using ScrmStream.Rules.Sql;

namespace ScrmStream.ClickHouse;

/// <summary>A contribution to a customer's score. Times are Unix milliseconds, points millionths.</summary>
/// <param name="Line">From 1; 0: what max, min and limits take away or add, which no event does.</param>
public readonly record struct LedgerRow(
    IdentifierId Customer, int Line, long AsOfMs, long EventTimeMs, string Event, string EventId, int RuleLine, string Rule, long AddsMicro,
    double CapsLeave, double AgeLeaves, long WorthMicro);

/// <summary>
/// One snapshot of the ledger of a score. Rows come in any number of parts, and readers see them when
/// <see cref="CompleteAsync"/> has returned; until then, and if that never happens, they see the snapshot before.
/// </summary>
public sealed class LedgerTable(ClickHouseClient client, string score, long snapshotMs)
{
    private static readonly NativeTable Table = new("score_ledger_rows",
        new("score", "String"), new("snapshot", "UInt64"), new("customer_id", "UInt128"), new("line", "UInt32"),
        new("as_of", "DateTime64(3, 'UTC')"), new("event_time", "DateTime64(3, 'UTC')"), new("event", "String"), new("event_id", "String"),
        new("rule_line", "UInt32"), new("rule", "String"), new("adds_micro", "Int64"), new("caps_leave", "Float64"),
        new("age_leaves", "Float64"), new("worth_micro", "Int64"));

    /// <exception cref="ClickHouseException">The server refuses them.</exception>
    public async Task WriteAsync(IReadOnlyList<LedgerRow> rows, CancellationToken cancel)
    {
        if (rows.Count == 0) return;
        using var block = new NativeBlock(Table) { Rows = rows.Count };
        for (var i = 0; i < rows.Count; i++) Add(block, rows[i]);
        await client.InsertAsync(block, token: null, cancel);
    }

    /// <summary>Shows the snapshot to readers, and drops the ones before.</summary>
    /// <param name="rules">Fingerprint of the rules.</param>
    /// <param name="fades">How points lose worth with age, in words.</param>
    /// <exception cref="ClickHouseException">The server refuses it.</exception>
    public async Task CompleteAsync(string rules, string fades, CancellationToken cancel)
    {
        await client.CommandAsync(
            $"INSERT INTO score_ledger_snapshots SELECT {SqlText.Quote(score)}, {snapshotMs}, {SqlText.Quote(rules)}, "
            + SqlText.Quote(fades), cancel);
        var found = await client.QueryAsync(
            "SELECT DISTINCT snapshot FROM score_ledger_rows WHERE score = " + SqlText.Quote(score)
            + string.Create(CultureInfo.InvariantCulture, $" AND snapshot < {snapshotMs}"), "TabSeparated", cancel);
        foreach (var old in System.Text.Encoding.UTF8.GetString(found).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            await client.CommandAsync($"ALTER TABLE score_ledger_rows DROP PARTITION ({SqlText.Quote(score)}, {old})", cancel);
    }

    private void Add(NativeBlock block, in LedgerRow row)
    {
        block.Buffers[0].Text(score);
        block.Buffers[1].Int64(snapshotMs);
        block.Buffers[2].UInt128(row.Customer.Value);
        block.Buffers[3].Int32(row.Line);
        block.Buffers[4].Int64(row.AsOfMs);
        block.Buffers[5].Int64(row.EventTimeMs);
        block.Buffers[6].Text(row.Event);
        block.Buffers[7].Text(row.EventId);
        block.Buffers[8].Int32(row.RuleLine);
        block.Buffers[9].Text(row.Rule);
        block.Buffers[10].Int64(row.AddsMicro);
        block.Buffers[11].Int64(BitConverter.DoubleToInt64Bits(row.CapsLeave));
        block.Buffers[12].Int64(BitConverter.DoubleToInt64Bits(row.AgeLeaves));
        block.Buffers[13].Int64(row.WorthMicro);
    }
}
