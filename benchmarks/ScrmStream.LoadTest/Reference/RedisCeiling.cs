using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.LoadTest.Price;
using ScrmStream.Redis;

namespace ScrmStream.LoadTest.Reference;

/// <summary>
/// Everything that a run has written into its Redis, as that one has logged it, sent again into an empty one with the same settings: over
/// as many connections as the run had, each with one transaction under way, in the order of the log.
/// </summary>
internal static class RedisCeiling
{
    /// <param name="ran">The Redis of a run over the topic, which has ended.</param>
    /// <param name="space">The namespace of that run.</param>
    public static async Task<Ceiling> RunAsync(
        LadderGround ground, LadderTopic topic, LadderRedis ran, string space, CancellationToken cancel)
    {
        using var log = RedisLog.Open(ran.Server.Directory);
        await using var server = await ground.StartRedisAsync(keepsLog: true, cancel);
        var settings = ground.Settings(space, server.Server, topic);
        var next = -1;
        CostMeter.Settle();
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, settings.Redis.CallsInFlight).Select(_ => Task.Run(SendAsync, cancel)));
        var elapsed = Stopwatch.GetElapsedTime(began);
        var check = new TruthCheck(topic.Truth);
        await using (var redis = await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel))
            check.Stored("Redis", await new RedisViewStore(redis).CountAsync(cancel));
        var what = $"{log.Bytes / 1e6:N0} MB, {log.Units.Sum(u => (long)u.Commands):N0} commands in {log.Units.Count:N0} transactions";
        return new Ceiling("captured commands again", "Redis", topic.Truth.Events, elapsed, what, check.Wrong);

        async Task SendAsync()
        {
            using var connection = await LineConnection.OpenAsync(server.Server.Address, cancel);
            var buffer = new byte[settings.Redis.CallBytes * 2];
            for (var i = Interlocked.Increment(ref next); i < log.Units.Count; i = Interlocked.Increment(ref next))
                await connection.RunAsync(log.Read(log.Units[i], ref buffer), log.Units[i].Answers, cancel);
        }
    }

    /// <summary>A connection whose answers are lines, which are only looked through for errors.</summary>
    private sealed class LineConnection : IDisposable
    {
        private readonly NetworkStream _stream;
        private readonly byte[] _in = new byte[64 * 1024];

        private LineConnection(Socket socket) => _stream = new NetworkStream(socket, ownsSocket: true);

        public static async Task<LineConnection> OpenAsync(string address, CancellationToken cancel)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPEndPoint.Parse(address), cancel);
            return new LineConnection(socket);
        }

        public async Task RunAsync(ReadOnlyMemory<byte> commands, int answers, CancellationToken cancel)
        {
            // The answers of a long transaction must not fill up the way back while it is still being sent.
            var sending = _stream.WriteAsync(commands, cancel).AsTask();
            var isStart = true;
            while (answers > 0)
            {
                var read = await _stream.ReadAsync(_in, cancel);
                if (read == 0) throw new IOException("Redis closed the connection.");
                answers -= Lines(_in.AsSpan(0, read), ref isStart);
            }
            await sending;
        }

        public void Dispose() => _stream.Dispose();

        private static int Lines(ReadOnlySpan<byte> bytes, ref bool isStart)
        {
            var lines = 0;
            while (!bytes.IsEmpty)
            {
                if (isStart && bytes[0] == '-') throw new IOException($"Redis refused a command: {Encoding.UTF8.GetString(bytes)}");
                var end = bytes.IndexOf((byte)'\n');
                isStart = end >= 0;
                if (!isStart) return lines;
                lines++;
                bytes = bytes[(end + 1)..];
            }
            return lines;
        }
    }
}
