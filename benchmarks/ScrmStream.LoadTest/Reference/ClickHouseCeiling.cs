using System.Diagnostics;
using ScrmStream.ClickHouse;
using ScrmStream.LoadTest.Price;

namespace ScrmStream.LoadTest.Reference;

/// <summary>
/// The blocks of a run over the topic, encoded before, sent into the same tables, which are empty, with the settings of <c>run</c>: as many
/// at once as the machine has processors.
/// </summary>
internal static class ClickHouseCeiling
{
    public static async Task<Ceiling> RunAsync(LadderGround ground, LadderTopic topic, CancellationToken cancel)
    {
        using var log = new BlockLog(ground.Servers.PathOf("blocks"));
        var made = await new PipelineRungs(ground).KafkaAsync(topic, cancel, new BlockSink(log.AddAsync));
        var options = ground.Settings(ground.NextName(), redis: null, topic).ClickHouse;
        using var client = new ClickHouseClient(options);
        await ClickHouseMigrations.ApplyAsync(client, cancel);
        var next = -1;
        CostMeter.Settle();
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Task.Run(SendAsync, cancel)));
        var elapsed = Stopwatch.GetElapsedTime(began);
        var check = new TruthCheck(topic.Truth);
        await check.TablesAsync(client, cancel);
        await client.CommandAsync($"DROP DATABASE {options.Database} SYNC", cancel);
        var rows = log.Blocks.Sum(b => (long)b.Rows);
        var what = $"{log.Bytes / 1e6:N0} MB, {rows:N0} rows in {log.Blocks.Count:N0} blocks";
        return new Ceiling("encoded blocks again", "ClickHouse", topic.Truth.Events, elapsed, what, [.. made.Wrong, .. check.Wrong]);

        async Task SendAsync()
        {
            using var http = new HttpClient { BaseAddress = new Uri(options.Address) };
            for (var i = Interlocked.Increment(ref next); i < log.Blocks.Count; i = Interlocked.Increment(ref next))
                await InsertAsync(http, options.Database, log.Blocks[i], log.Read(log.Blocks[i]), cancel);
        }
    }

    private static async Task InsertAsync(HttpClient http, string database, LoggedBlock block, byte[] bytes, CancellationToken cancel)
    {
        var query = Uri.EscapeDataString($"INSERT INTO {block.Into} FORMAT Native");
        var token = block.Token is null ? "" : $"&insert_deduplication_token={Uri.EscapeDataString(block.Token)}";
        const string Settings = "async_insert=0&insert_deduplicate=1&wait_end_of_query=1&optimize_on_insert=0";
        using var content = new ByteArrayContent(bytes);
        using var answer = await http.PostAsync($"/?database={database}&query={query}&{Settings}{token}", content, cancel);
        if (!answer.IsSuccessStatusCode) throw new IOException(await answer.Content.ReadAsStringAsync(cancel));
    }
}
