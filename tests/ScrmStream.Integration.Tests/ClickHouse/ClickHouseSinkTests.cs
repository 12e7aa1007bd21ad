using System.Text;
using System.Text.Json;
using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Blocks;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using Xunit;

namespace ScrmStream.Integration.ClickHouse;

/// <summary>The conformance suite on ClickHouse, and what only ClickHouse has.</summary>
[Collection(ClickHouseCollection.Name)]
public sealed class ClickHouseSinkTests(ClickHouseFixture clickHouse) : AnalyticsSinkConformance
{
    private protected override async Task<ISinkUnderTest> OpenAsync()
    {
        var client = new ClickHouseClient(clickHouse.Options());
        return new SinkOnClickHouse(await ClickHouseSink.OpenAsync(client, CancellationToken.None), client);
    }

    [ClickHouseFact]
    public async Task WriteEvents_HundredThousandRepeatedAndInterleaved_TotalsStayExact()
    {
        using var sink = (SinkOnClickHouse)await OpenAsync();
        var partition = new SourcePartition(Guid.Empty, "orders", 0);
        long paid = 0;
        for (var block = 0; block < 5; block++)
        {
            var builder = new EventBatchBuilder(20_000);
            for (var i = 0; i < 20_000; i++)
            {
                var offset = block * 20_000L + i;
                var isOrder = offset % 20 == 0;
                if (isOrder) paid += offset;
                builder.Add(partition, offset, isOrder ? "order_paid" : "page_view", 1_700_000_000_000 + offset * 31 % 5_000_000,
                    [($"openid:wx1:{offset % 5_000}", true), ($"phone::{offset % 4_000}", true)], [("k", $"{offset}", PropertyType.Long)],
                        isOrder ? offset : null);
            }
            await sink.Sink.WriteEventsAsync([builder.Batch], $"b{block}", CancellationToken.None);
            await sink.Sink.WriteEventsAsync([builder.Batch], $"b{block}", CancellationToken.None);
            // A zombie's insert carries another token.
            if (block == 2) await sink.Sink.WriteEventsAsync([builder.Batch], "zombie", CancellationToken.None);
        }
        Assert.Equal("120000", await sink.Client.TextAsync("SELECT count() FROM events_rows"));
        const string check = "SELECT count(), uniqExact(topic, partition, offset), sumIf(amount_fen, event = 'order_paid') FROM";
        Assert.Equal($"100000\t100000\t{paid}", await sink.Client.TextAsync($"{check} events"));
        Assert.Equal($"100000\t100000\t{paid}", await sink.Client.TextAsync($"{check} events_resolved"));
    }

    [ClickHouseFact]
    public async Task GreatestEpoch_OfAllRows_IsKnownToTheNextWriter()
    {
        using var sink = (SinkOnClickHouse)await OpenAsync();
        var epochs = (ClickHouseSink)sink.Sink;
        Assert.Equal(0UL, await epochs.GreatestEpochAsync(CancellationToken.None));
        foreach (var epoch in (ulong[])[3, ulong.MaxValue / 2, 7])
        {
            var batch = new EventBatchBuilder().Add(
                new SourcePartition(Guid.Empty, "t", 0), (long)(epoch % 100), "like", 1_700_000_000_000, [("cookie::c", true)]).Batch;
            batch.Epoch = epoch;
            await sink.Sink.WriteEventsAsync([batch], $"t{epoch}", CancellationToken.None);
        }
        Assert.Equal(ulong.MaxValue / 4, await epochs.GreatestEpochAsync(CancellationToken.None));
    }

    /// <summary>What takes a partition over: every row of the range with its verdict, and whether there are more behind it.</summary>
    [ClickHouseFact]
    public async Task StoredRows_OfRanges_AreFoundWithTheirVerdicts()
    {
        using var sink = (SinkOnClickHouse)await OpenAsync();
        var table = new StoredRowTable(sink.Client);
        SourcePartition[] partitions = [.. Enumerable.Range(0, 3).Select(p => new SourcePartition(Guid.Parse("01234567-89ab-cdef-0123-456789abcdef"), "it's", p))];
        foreach (var p in partitions[..2]) await WriteAsync(Numbered(100, 50, p), epoch: 6, $"first {p}");
        // Offset 110 is judged anew, 111 the same way again; the topic of the same name that was deleted has all of them.
        await WriteAsync(
            new EventBatchBuilder().Add(partitions[0], 110, "share", 1_700_000_000_000 + 110L * 7_919 % 1_000_000, [("openid:wx1:13", true)], verdict: Verdict.Duplicate)
                .Add(partitions[0], 111, "like", 1_700_000_000_000 + 111L * 7_919 % 1_000_000, [("openid:wx1:14", true)]), epoch: 9, "again");
        await WriteAsync(Numbered(0, 200, new SourcePartition(Guid.Empty, "it's", 0)), epoch: 12, "gone");

        var found = await table.FindAsync(
            [new(partitions[0], 105, 120), new(partitions[1], 149, 160), new(partitions[2], 0, 1_000), new(partitions[1], 0, 99)], default);

        Assert.Equal([true, false, false, true], found.HasMore);
        Assert.Equal(
            Enumerable.Range(105, 16).Select(o => (0, (long)o, o is 110 or 111 ? 9UL : 6UL, o == 110 ? default(bool?) : false)).Append((1, 149, 6UL, false)),
            found.Rows.Select(r => (r.At.Partition.Partition, r.At.Offset, r.Epoch, r.IsDuplicate)).Order());
        Assert.All(found.Rows, r => Assert.Same(partitions[r.At.Partition.Partition], r.At.Partition));
        var many = Enumerable.Range(0, 450).Select(i => new OffsetRange(partitions[i % 2], 100 + i / 9, 100 + i / 9)).ToList();
        Assert.Equal(450, (await table.FindAsync(many, default)).Rows.Count);

        Task WriteAsync(EventBatchBuilder builder, ulong epoch, string token)
        {
            builder.Batch.Epoch = epoch;
            return sink.Sink.WriteEventsAsync([builder.Batch], token, default);
        }
    }

    [ClickHouseFact]
    public async Task EventsResolved_MapWritten_ShowsTheCustomerAtOnce()
    {
        using var sink = (SinkOnClickHouse)await OpenAsync();
        var partition = new SourcePartition(Guid.Empty, "t", 0);
        var batch = new EventBatchBuilder()
            .Add(partition, 0, "like", 1_700_000_000_000, [("cookie::c", true)]).Add(partition, 1, "like", 1_700_000_000_001,
                [("openid:wx1:o", true)]).Batch;
        await sink.Sink.WriteEventsAsync([batch], "t", CancellationToken.None);
        var (cookie, openId) = (IdentifierId.Of("cookie::c"u8), IdentifierId.Of("openid:wx1:o"u8));
        const string ask = "SELECT groupArray(customer) FROM (SELECT customer FROM events_resolved ORDER BY offset)";
        Assert.Equal($"['{cookie}','{openId}']", await sink.Client.TextAsync(ask));
        await sink.Sink.WriteIdentityMapAsync(
            [new(cookie, "cookie::c"u8.ToArray(), openId, 2, 0), new(openId, "openid:wx1:o"u8.ToArray(), openId, 1, 0)], CancellationToken.None);
        Assert.Equal($"['{openId}','{openId}']", await sink.Client.TextAsync(ask));
        await sink.Sink.WriteIdentityMapAsync([new(cookie, "cookie::c"u8.ToArray(), null, 3, 0)], CancellationToken.None);
        Assert.Equal($"['{cookie}','{openId}']", await sink.Client.TextAsync(ask));
    }

    /// <summary>The query of schemas/clickhouse/README.md: argMax by itself passes over the NULL of a tag that is gone.</summary>
    [ClickHouseFact]
    public async Task TagChanges_OfATime_KnowThatATagIsGone()
    {
        using var sink = (SinkOnClickHouse)await OpenAsync();
        var (a, b) = (IdentifierId.Of("openid:wx1:a"u8), IdentifierId.Of("openid:wx1:b"u8));
        await sink.Sink.WriteTagChangesAsync(
            [new(a, "t", "1", null, 1_700_000_000_000), new(a, "t", null, "1", 1_700_000_100_000), new(b, "t", "1", null, 1_700_000_000_000)],
            CancellationToken.None);
        var readme = await File.ReadAllTextAsync(Path.Combine(Files.MappingFixture.Schemas(), "clickhouse", "README.md"));
        var sql = readme[readme.IndexOf("SELECT customer, tag, argMax(tuple(value), since)", StringComparison.Ordinal)..];
        sql = sql[..sql.IndexOf(';', StringComparison.Ordinal)].Replace("2026-03-01 12:00:00", "2026-03-01 12:00:00.000", StringComparison.Ordinal);
        Assert.Equal($"{b}", await sink.Client.TextAsync($"SELECT arrayStringConcat(groupArray(customer), ',') FROM ({sql})"));
        Assert.Equal("2", await sink.Client.TextAsync(
            "SELECT count() FROM (SELECT customer, argMax(value, since) AS value FROM tag_changes GROUP BY customer HAVING value IS NOT NULL)"));
    }

    [Fact]
    public void Encode_SameBatchesWarm_GivesSameBytesAndAllocatesNothingPerRow()
    {
        const int rows = 4_096;
        var batch = Numbered(0, rows).Batch;
        using var first = new EventBlock();
        first.Add(batch);
        EncodeAndDispose(batch);
        var before = GC.GetAllocatedBytesForCurrentThread();
        EncodeAndDispose(batch);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < 2 * rows, $"{allocated} bytes for {rows} rows: the block's own objects take about 3 kB, a row none");
        using var second = new EventBlock();
        second.Add(batch);
        Assert.Equal(rows, second.Block.Rows);
        Assert.Equal(first.Block.ToArray(), second.Block.ToArray());

        static void EncodeAndDispose(EventBatch batch)
        {
            using var block = new EventBlock();
            block.Add(batch);
        }
    }

    private sealed class SinkOnClickHouse(ClickHouseSink sink, ClickHouseClient client) : ISinkUnderTest
    {
        public IAnalyticsSink Sink => sink;
        public ClickHouseClient Client => client;

        public async Task<IReadOnlyList<EventReadBack>> EventsAsync() => (await RowsAsync("""
            SELECT concat(toString(topic_id), '|', topic, '|', toString(partition), '|', toString(offset), '|', toString(`index`)),
                concat(event, '|', channel, '|', event_id, '|', page, '|', currency, '|', campaign_source),
                concat(toString(toUnixTimestamp64Milli(event_time)), '|', ifNull(toString(toUnixTimestamp64Milli(received_time)), '-'), '|',
                    ifNull(toString(toUnixTimestamp64Milli(record_time)), '-')),
                concat(ifNull(toString(amount_fen), '-'), '|', ifNull(toString(share_depth), '-')),
                concat(anchor_hex, '|', anchor),
                concat(arrayStringConcat(identifiers, ','), '|', arrayStringConcat(unverified, ',')),
                concat(arrayStringConcat(arrayMap((k, v) -> concat(k, '=', v), mapKeys(properties), mapValues(properties)), ','),
                    '|', property_types)
            FROM events
            """)).ConvertAll(r => new EventReadBack(r[0], r[1], r[2], r[3], r[4], r[5], r[6]));

        public Task<IReadOnlyList<string>> TagChangesAsync() =>
            JoinedAsync("SELECT customer, tag, ifNull(value, '-'), ifNull(previous, '-'), toUnixTimestamp64Milli(since) FROM tag_changes");

        public Task<IReadOnlyList<string>> ScoreChangesAsync() => JoinedAsync(
            "SELECT customer, score, value_micro, ifNull(grade, '-'), ifNull(previous, '-'), toUnixTimestamp64Milli(since) " +
            "FROM score_changes ORDER BY since");

        public Task<IReadOnlyList<string>> ActionsAsync() => JoinedAsync(
            "SELECT id, customer, action, recipient, outcome, reason, toUnixTimestamp64Milli(at), toUnixTimestamp64Milli(decided) " +
            "FROM actions ORDER BY id");

        public Task<IReadOnlyList<string>> IdentityMapAsync() =>
            JoinedAsync("SELECT text, identifier, ifNull(customer, '-'), version FROM identity_map");

        public Task<IReadOnlyList<string>> IdentityHistoryAsync() => JoinedAsync(
            "SELECT text, identifier, ifNull(customer, '-'), version, toUnixTimestamp64Milli(known_time) FROM identity_history");

        public Task<IReadOnlyList<string>> DeadLettersAsync() =>
            JoinedAsync("SELECT topic, partition, offset, `index`, reason, detail, hex(raw) FROM dead_letters");

        public void Dispose() => client.Dispose();

        private async Task<IReadOnlyList<string>> JoinedAsync(string sql) => (await RowsAsync(sql)).ConvertAll(r => string.Join('|', r));

        private async Task<List<string[]>> RowsAsync(string sql) =>
            [.. Encoding.UTF8.GetString(await client.QueryAsync(sql, "JSONCompactStringsEachRow", CancellationToken.None))
                .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<string[]>(line)!)];
    }
}
