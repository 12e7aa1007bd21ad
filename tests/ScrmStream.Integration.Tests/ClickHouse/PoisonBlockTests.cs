using ScrmStream.ClickHouse;
using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.TestKit;

namespace ScrmStream.Integration.ClickHouse;

/// <summary>Rows that the real engine refuses for what is in them.</summary>
[Collection(ClickHouseCollection.Name)]
public sealed class PoisonBlockTests(ClickHouseFixture clickHouse)
{
    private const int Events = 20_000;

    /// <summary>
    /// Three events in twenty thousand break a constraint: they are letters with their places and the server's words, all others are rows,
    /// once. A second run over the same records, as after a crash before the commit, changes nothing that a reader sees.
    /// </summary>
    [ClickHouseTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_AConstraintRefusesSomeRows_OnlyTheseAreSetAside(bool isAlone)
    {
        using var client = await clickHouse.ClientWithSchemaAsync();
        var sink = await ClickHouseSink.OpenAsync(client, CancellationToken.None);
        await client.CommandAsync("ALTER TABLE events_rows ADD CONSTRAINT fits CHECK amount_fen < 1000 OR amount_fen IS NULL", CancellationToken.None);
        int[] poison = [17, 4_095, 16_000];
        var records = ListSource.Utf8(Enumerable.Range(0, Events).Select(i => EventJson(i, Array.IndexOf(poison, i) < 0 ? 999 : 1000)));
        var views = new MemoryViewStore { IsSoleWriter = isAlone, WriterEpoch = 1 };
        var (cells, topic) = (new MemoryCellStore(views), new MemoryAnalytics());
        for (var run = 0; run < 2; run++)
        {
            await using var source = new ListSource([(ListSource.Partition(0), records)], [], recordsPerPoll: 1_000);
            var options = new PipelineOptions { FlushEventsMax = 8_000, InsertBatches = 2 };
            var ports = new PipelinePorts(source, cells, views, sink, topic);
            var pipeline = new StreamPipeline(options, RuleSet.Empty, ports, writerStamp: (ulong)run * 2 + 1, TimeProvider.System);
            await pipeline.RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
            Assert.Equal(0, pipeline.Counters.Books.Look().Difference);
            Assert.Equal($"{Events - poison.Length}\t{Events - poison.Length}", await client.TextAsync("SELECT count(), uniqExact(offset) FROM events"));
            Assert.Equal($"[{string.Join(',', poison)}]\t['refused_by_tables']", await client.TextAsync(
                "SELECT arraySort(groupArray(offset)), groupUniqArray(reason) FROM dead_letters WHERE detail LIKE '%fits%' AND `index` = 0"));
            Assert.Equal(poison.Select(p => (long)p), topic.DeadLetters.Keys.Select(k => k.Item2).Order());
        }
    }

    private static string EventJson(int i, int fen) => $$"""
        {"event_id":"e{{i}}","event":"order_paid","event_time":{{1_700_000_000_000 + i}},"amount_fen":{{fen}},"currency":"CNY","identifiers":[{"kind":"cookie","value":"c{{i % 500}}"}]}
        """;
}
