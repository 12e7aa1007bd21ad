using ScrmStream.Host.Settings;
using ScrmStream.Pipeline;
using ScrmStream.Redis.Embedded;

namespace ScrmStream.Host.Servers;

/// <summary>One server of this machine, just started: its process, and how to see that it answers.</summary>
internal sealed class LocalServer
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(25);
    // Redis reads its whole log and ClickHouse its parts before they answer.
    private static readonly TimeSpan StartMax = TimeSpan.FromMinutes(2);

    private readonly string _name;
    private readonly string _log;
    private readonly Func<CancellationToken, Task<string?>> _addressWhenReady;

    private LocalServer(
        string name, string folder, string program, IEnumerable<string> arguments, Func<CancellationToken, Task<string?>> addressWhenReady)
    {
        _name = name;
        _log = Path.Combine(folder, $"{name}.log");
        _addressWhenReady = addressWhenReady;
        Process = DetachedProcess.Start(program, arguments, _log);
    }

    public LocalProcess Process { get; }

    /// <summary>The embedded broker chooses its port itself and writes its address to a file.</summary>
    public static LocalServer StartKafka(string folder, StackOptions options)
    {
        var state = Path.Combine(folder, "kafka.address");
        File.Delete(state);
        List<string> arguments = ["kafka", "--state", state, "--partitions", $"{options.KafkaPartitions}"];
        foreach (var topic in options.KafkaTopics) arguments.AddRange(["--topic", topic]);
        return new LocalServer("kafka", folder, DetachedProcess.Program, arguments, async cancel =>
        {
            if (!File.Exists(state)) return null;
            var address = await File.ReadAllTextAsync(state, cancel);
            return await LoopbackPort.AnswersAsync(LoopbackPort.Of(address), "", "", cancel) ? address : null;
        });
    }

    /// <summary>Debian's redis-server, set to keep what it acknowledged.</summary>
    /// <exception cref="StoreUnavailableException">It is not installed.</exception>
    public static LocalServer StartRedis(string folder, int port)
    {
        var program = EmbeddedRedis.FindServer() ?? throw new StoreUnavailableException(
            "redis-server is not installed: run ./scrm setup (Debian: apt-get install redis-server), or give the address of one "
            + "that runs with --redis.");
        var data = Path.Combine(folder, "redis");
        Directory.CreateDirectory(data);
        return new LocalServer("redis", folder, program, EmbeddedRedis.Settings(data, port),
            async cancel => await LoopbackPort.AnswersAsync(port, "PING\r\n", "+PONG", cancel) ? $"127.0.0.1:{port}" : null);
    }

    public static LocalServer StartClickHouse(string folder, int port) =>
        new("clickhouse", folder, DetachedProcess.Program,
            ["clickhouse", "--path", Path.Combine(folder, "clickhouse"), "--port", $"{port}"],
            async cancel => await LoopbackPort.AnswersAsync(port, "GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                "HTTP/1.1 200", cancel)
                ? $"http://127.0.0.1:{port}" : null);

    /// <summary>Its address, when it answers there.</summary>
    /// <exception cref="StoreUnavailableException">It ended, or has not answered within two minutes; the message has the end of its
    /// log.</exception>
    public async Task<string> WhenReadyAsync(TimeProvider time, CancellationToken cancel)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            if (await _addressWhenReady(cancel) is { } address) return address;
            if (!ProcessTable.IsAlive(Process)) throw Failed("ended while it was starting");
            if (time.GetElapsedTime(started) > StartMax) throw Failed($"did not answer within {StartMax.TotalSeconds:0} s");
            await Task.Delay(PollInterval, time, cancel);
        }
    }

    private StoreUnavailableException Failed(string what) =>
        new($"The local {_name} {what}. Its log {_log} ends with:\n{ProcessTable.LastLines(_log, 8)}".TrimEnd());
}
