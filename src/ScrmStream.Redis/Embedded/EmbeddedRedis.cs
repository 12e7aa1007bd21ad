using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ScrmStream.Pipeline;

namespace ScrmStream.Redis.Embedded;

/// <summary>
/// The machine's own <c>redis-server</c> as a child process on a loopback port, set to keep what it acknowledged. For <c>up</c>,
/// <c>demo</c> and tests.
/// </summary>
public sealed class EmbeddedRedis : IAsyncDisposable
{
    private const int StartTimeoutMs = 30_000;
    private const int StopTimeoutMs = 30_000;
    private const int PollMs = 20;

    private readonly Process _process;

    private EmbeddedRedis(Process process, string directory, int port)
    {
        _process = process;
        Directory = directory;
        Port = port;
    }

    public int ProcessId => _process.Id;
    public int Port { get; }
    public string Directory { get; }
    public string Address => $"127.0.0.1:{Port}";
    public bool HasExited => _process.HasExited;

    /// <summary>Where <c>redis-server</c> is on the PATH; null when it is not installed.</summary>
    public static string? FindServer() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Append("/usr/bin").Append("/usr/local/bin")
            .Select(folder => Path.Combine(folder, "redis-server"))
            .FirstOrDefault(File.Exists);

    /// <summary>The settings of a server that keeps what it acknowledged, as on its command line.</summary>
    public static string[] Settings(string directory, int port) =>
    [
        "--port", $"{port}", "--bind", "127.0.0.1", "--protected-mode", "yes", "--daemonize", "no", "--dir", directory, "--pidfile", "",
        "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction",
        // Boards are written all the time: from 32 customers on a skip list is cheaper to write than a list that is searched.
        "--zset-max-listpack-entries", "32",
        // A rewrite forks and writes all there is: on small files, which double often, that costs more than the room it saves.
        "--auto-aof-rewrite-min-size", "2gb", "--rdbcompression", "no",
    ];

    /// <summary>Starts on what the directory holds, and returns when Redis answers.</summary>
    /// <param name="port">0: a free one.</param>
    /// <param name="extra">Further settings as on the command line, for example <c>--maxmemory 1gb</c>.</param>
    /// <exception cref="StoreUnavailableException">It is not installed, or did not come up.</exception>
    public static async Task<EmbeddedRedis> StartAsync(
        string directory, TimeProvider time, CancellationToken cancel, int port = 0, params string[] extra)
    {
        var server = FindServer() ?? throw new StoreUnavailableException(
            "redis-server is not installed. Install it (Debian: apt-get install redis-server), "
            + "or give the address of one that runs: --redis");
        System.IO.Directory.CreateDirectory(directory);
        if (port == 0) port = FreePort();
        var log = Path.Combine(directory, "redis.log");
        var start = new ProcessStartInfo(server) { UseShellExecute = false, RedirectStandardInput = true };
        foreach (var setting in Settings(directory, port).Concat(["--logfile", log, .. extra])) start.ArgumentList.Add(setting);
        var process = Process.Start(start)!;
        var redis = new EmbeddedRedis(process, directory, port);
        var began = time.GetTimestamp();
        while (!await AnswersAsync(process.Id, port, cancel))
        {
            if (!process.HasExited && time.GetElapsedTime(began).TotalMilliseconds < StartTimeoutMs)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(PollMs), time, cancel);
                continue;
            }
            await redis.DisposeAsync();
            throw new StoreUnavailableException($"redis-server did not start on 127.0.0.1:{port}; its log is {log}");
        }
        return redis;
    }

    /// <summary>Ends a server by its process id, in order: what it acknowledged stays. True when it has gone.</summary>
    public static async Task<bool> StopAsync(int processId)
    {
        Process process;
        try
        {
            process = Process.GetProcessById(processId);
        }
        catch (ArgumentException)
        {
            return true;
        }
        using (process)
        {
            if (!process.ProcessName.StartsWith("redis-server", StringComparison.Ordinal)) return false;
            return await EndAsync(process, kill: false);
        }
    }

    /// <summary>Ends it; with <paramref name="kill"/> at once, as a crash does.</summary>
    public async Task StopAsync(bool kill) => await EndAsync(_process, kill);

    public async ValueTask DisposeAsync()
    {
        await StopAsync(kill: false);
        _process.Dispose();
    }

    private static async Task<bool> EndAsync(Process process, bool kill)
    {
        if (process.HasExited) return true;
        if (kill) process.Kill();
        else using (Process.Start("kill", ["-TERM", $"{process.Id}"])) { }
        using var limit = new CancellationTokenSource(StopTimeoutMs);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
        return true;
    }

    // Asks who answers: on a port that was taken it is another server, and ours has ended.
    private static async Task<bool> AnswersAsync(int processId, int port, CancellationToken cancel)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, cancel);
            var stream = client.GetStream();
            await stream.WriteAsync("PING\r\nINFO server\r\nQUIT\r\n"u8.ToArray(), cancel);
            using var reader = new StreamReader(stream, Encoding.UTF8);
            var answer = await reader.ReadToEndAsync(cancel);
            return answer.StartsWith("+PONG", StringComparison.Ordinal)
                && answer.Contains($"process_id:{processId}\r", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
