using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Blocks;
using ScrmStream.Events;
using ScrmStream.Pipeline;
using Xunit;

namespace ScrmStream.Integration.ClickHouse;

public sealed class ClickHouseOutageTests
{
    private static readonly SourcePartition Topic = new(Guid.Empty, "t", 0);

    [Fact]
    public async Task Open_NobodyListens_FailsInBoundedTimeAndSaysWhatToDo()
    {
        using var client = new ClickHouseClient(new ClickHouseOptions { Address = $"http://127.0.0.1:{FreePort()}", ReachTimeoutMs = 300 });
        var watch = Stopwatch.StartNew();
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => ClickHouseSink.OpenAsync(client, CancellationToken.None));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"it took {watch.Elapsed}");
        Assert.Contains(client.Address, error.Message, StringComparison.Ordinal);
        Assert.Contains("--clickhouse", error.Message, StringComparison.Ordinal);
        Assert.Contains("ClickHouse:Address", error.Message, StringComparison.Ordinal);
    }

    [ClickHouseFact]
    public async Task WriteEvents_ServerKilledAndBack_WaitsAndStoresOnce()
    {
        using var folder = new TemporaryFolder();
        var port = FreePort();
        var server = await EmbeddedProcess.StartAsync(folder.Path, port);
        try
        {
            using var client = new ClickHouseClient(new ClickHouseOptions { Address = $"http://127.0.0.1:{port}", RetryDelayMaxMs = 200 });
            var sink = await ClickHouseSink.OpenAsync(client, CancellationToken.None);
            await sink.WriteEventsAsync([Batch(0)], "a", CancellationToken.None);
            server.Kill();
            var writing = sink.WriteEventsAsync([Batch(100)], "b", CancellationToken.None);
            await Task.Delay(500);
            Assert.False(writing.IsCompleted);
            server.Dispose();
            server = await EmbeddedProcess.StartAsync(folder.Path, port);
            await writing.WaitAsync(TimeSpan.FromSeconds(20));
            // The token of before the kill is still known: a retry across a restart adds nothing either.
            await sink.WriteEventsAsync([Batch(0)], "a", CancellationToken.None);
            Assert.Equal("200\t200", await client.TextAsync("SELECT count(), uniqExact(offset) FROM events_rows"));
        }
        finally
        {
            server.Dispose();
        }
    }

    [Fact]
    public async Task WriteEvents_AnswerLost_SendsTheSameBytesUnderTheSameTokenAgain()
    {
        var received = new List<(string Query, byte[] Body)>();
        await using var server = await OneAnswerLost.StartAsync(received);
        using var client = new ClickHouseClient(new ClickHouseOptions { Address = server.Address, RetryDelayMs = 10 });
        using var block = new EventBlock();
        block.Add(Batch(0));
        await client.InsertAsync(block.Block, "token-1", CancellationToken.None);
        Assert.Equal(2, received.Count);
        Assert.Equal(received[0].Query, received[1].Query);
        Assert.Equal(block.Block.ToArray(), received[0].Body);
        Assert.Equal(received[0].Body, received[1].Body);
        Assert.Contains("insert_deduplication_token=token-1", received[0].Query, StringComparison.Ordinal);
        Assert.Contains("async_insert=0", received[0].Query, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WriteEvents_CancelledDuringAnOutage_Stops()
    {
        using var client = new ClickHouseClient(new ClickHouseOptions { Address = $"http://127.0.0.1:{FreePort()}" });
        using var cancel = new CancellationTokenSource(200);
        using var block = new EventBlock();
        block.Add(Batch(0));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.InsertAsync(block.Block, "x", cancel.Token));
    }

    private static EventBatch Batch(long first)
    {
        var builder = new EventBatchBuilder();
        for (var i = 0; i < 100; i++) builder.Add(Topic, first + i, "like", 1_700_000_000_000 + i, [("openid:wx1:a", true)]);
        return builder.Batch;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
