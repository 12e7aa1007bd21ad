using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ScrmStream.LoadTest.Reference;

/// <summary>What this machine does at all, so that the figures of another one can be held against these.</summary>
internal sealed record Calibration(string Name, double Value, string Unit)
{
    private const int CopyBytes = 64 * 1024 * 1024, Copies = 16;
    private const int Trips = 20_000;
    private const int ChunkBytes = 64 * 1024, Chunks = 16 * 1024;

    public static async Task<IReadOnlyList<Calibration>> AllAsync(LadderGround ground, CancellationToken cancel)
    {
        List<Calibration> all =
        [
            new("memory copy of 64 MiB", Copy(), "GB/s"),
            new("loopback, one byte there and back", await TripsAsync(cancel), "trips/s"),
            new("loopback, one connection in chunks of 64 KiB", await StreamAsync(cancel), "GB/s"),
        ];
        if (await RedisBenchmarkAsync(ground, cancel) is { } sets)
            all.Add(new("redis-benchmark SET, 64 in a pipeline, no log", sets, "/s"));
        return all;
    }

    private static double Copy()
    {
        var (from, to) = (new byte[CopyBytes], new byte[CopyBytes]);
        // Memory that was never written is not there yet.
        Array.Fill(from, (byte)1);
        from.CopyTo(to, 0);
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < Copies; i++) from.CopyTo(to, 0);
        return (double)CopyBytes * Copies / 1e9 / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static async Task<double> TripsAsync(CancellationToken cancel)
    {
        using var pair = await SocketPair.OpenAsync(cancel);
        var echoing = Task.Run(() => Each(Trips, pair.Server, pair.Server), cancel);
        var began = Stopwatch.GetTimestamp();
        var one = new byte[1];
        for (var i = 0; i < Trips; i++)
        {
            pair.Client.Send(one);
            pair.Client.Receive(one);
        }
        await echoing;
        return Trips / Stopwatch.GetElapsedTime(began).TotalSeconds;

        static void Each(int times, Socket from, Socket to)
        {
            var one = new byte[1];
            for (var i = 0; i < times; i++)
            {
                from.Receive(one);
                to.Send(one);
            }
        }
    }

    private static async Task<double> StreamAsync(CancellationToken cancel)
    {
        using var pair = await SocketPair.OpenAsync(cancel);
        var began = Stopwatch.GetTimestamp();
        var sending = Task.Run(() =>
        {
            var chunk = new byte[ChunkBytes];
            for (var i = 0; i < Chunks; i++) pair.Client.Send(chunk);
        }, cancel);
        var room = new byte[ChunkBytes];
        for (var left = (long)ChunkBytes * Chunks; left > 0;) left -= pair.Server.Receive(room);
        await sending;
        return (double)ChunkBytes * Chunks / 1e9 / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    // Null: it is not installed.
    private static async Task<double?> RedisBenchmarkAsync(LadderGround ground, CancellationToken cancel)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (folders.Select(f => Path.Combine(f, "redis-benchmark")).FirstOrDefault(File.Exists) is not { } program) return null;
        await using var redis = await ground.StartRedisAsync(keepsLog: false, cancel);
        string[] arguments = ["-p", $"{redis.Server.Port}", "-t", "set", "-n", "1000000", "-r", "100000", "-P", "64", "--csv"];
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var lines = (await process.StandardOutput.ReadToEndAsync(cancel)).Split('\n');
        await process.WaitForExitAsync(cancel);
        var set = Array.Find(lines, line => line.StartsWith("\"SET\"", StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"redis-benchmark ended with {process.ExitCode} and no figure.");
        return double.Parse(set.Split(',')[1].Trim('"'), CultureInfo.InvariantCulture);
    }

    private sealed class SocketPair : IDisposable
    {
        public required Socket Client { get; init; }
        public required Socket Server { get; init; }

        public static async Task<SocketPair> OpenAsync(CancellationToken cancel)
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var client = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await client.ConnectAsync(listener.LocalEndpoint, cancel);
            var server = await listener.AcceptSocketAsync(cancel);
            server.NoDelay = true;
            return new SocketPair { Client = client, Server = server };
        }

        public void Dispose()
        {
            Client.Dispose();
            Server.Dispose();
        }
    }
}
