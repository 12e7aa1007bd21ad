using System.Text.Json;
using ScrmStream.Host.Settings;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Servers;

/// <summary>
/// Kafka, Redis and ClickHouse as processes of this machine, on loopback ports. Either those of the home folder, which <c>up</c> starts
/// and <c>down</c> ends (the static methods), or a private stack in a temporary folder, which is gone with the object.
/// </summary>
public sealed class LocalStack : IAsyncDisposable
{
    private static readonly TimeSpan StopMax = TimeSpan.FromSeconds(30);

    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly OrphanGuard _guard;

    private LocalStack(string folder, LocalServers servers, OrphanGuard guard, TimeProvider time)
    {
        _folder = folder;
        _guard = guard;
        _time = time;
        Servers = servers;
    }

    /// <summary>Where the servers are.</summary>
    public LocalServers Servers { get; }

    private sealed record Ports(int Redis, int ClickHouse);

    /// <summary>Starts a private stack in a temporary folder. It ends with <see cref="DisposeAsync"/>, and also when this process is
    /// killed.</summary>
    /// <exception cref="StoreUnavailableException">A server did not start; none is left running.</exception>
    public static async Task<LocalStack> StartPrivateAsync(StackOptions options, TimeProvider time, CancellationToken cancel)
    {
        options.Validate();
        var folder = Directory.CreateTempSubdirectory("scrmstream-").FullName;
        var guard = OrphanGuard.Start(folder);
        try
        {
            var servers = await StartAsync(folder, options, null, new Ports(0, 0), guard.Watch, time, cancel);
            return new LocalStack(folder, servers, guard, time);
        }
        catch
        {
            guard.Dispose();
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    /// <summary>Starts what does not run of the home folder's servers. Safe to call from several processes at once.</summary>
    /// <returns>The servers, and the names of those that were started now.</returns>
    /// <exception cref="StoreUnavailableException">A server did not start; those started by this call are ended again.</exception>
    public static async Task<(LocalServers Servers, IReadOnlyList<string> Started)> UpAsync(
        StackOptions options, TimeProvider time, CancellationToken cancel)
    {
        options.Validate();
        using var held = await FolderLock.TakeAsync(LocalServers.Folder, time, cancel);
        var known = LocalServers.Find();
        List<string> started = [];
        var servers = await StartAsync(LocalServers.Folder, options, known, ReadPorts(known), _ => { }, time, cancel, started);
        // Where producers put the schemas of their Avro (HostSettings): a folder that is there asks for it.
        Directory.CreateDirectory(LocalServers.SchemaFolder);
        if (started.Count > 0)
        {
            servers.Save();
            var ports = new Ports(LoopbackPort.Of(servers.Redis), LoopbackPort.Of(servers.ClickHouse));
            await File.WriteAllTextAsync(PortsFile, JsonSerializer.Serialize(ports), CancellationToken.None);
        }
        return (servers, started);
    }

    /// <summary>Ends the servers of the home folder, and nothing else.</summary>
    /// <param name="wipe">Also deletes what they stored.</param>
    /// <returns>The names of those that ran, with how they ended; empty when none did.</returns>
    /// <exception cref="SettingsException">What was noted about them is damaged, and now forgotten.</exception>
    public static async Task<IReadOnlyList<(string Name, bool InOrder)>> DownAsync(bool wipe, TimeProvider time, CancellationToken cancel)
    {
        if (!Directory.Exists(LocalServers.Folder)) return [];
        using var held = await FolderLock.TakeAsync(LocalServers.Folder, time, cancel);
        IReadOnlyList<(string, bool)> ended = FindOrForget() is { } servers ? await EndAsync(Processes(servers), time) : [];
        LocalServers.Forget();
        if (wipe) Wipe(LocalServers.Folder);
        return ended;
    }

    /// <summary>The processes of a stack by name.</summary>
    public static (string Name, LocalProcess Process)[] Processes(LocalServers servers) =>
        [("kafka", servers.KafkaProcess), ("redis", servers.RedisProcess), ("clickhouse", servers.ClickHouseProcess)];

    /// <summary>Ends the private stack and deletes its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        await EndAsync(Processes(Servers), _time);
        _guard.Dispose();
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    // A damaged file names no process that could be ended safely, and must not stand in the way of the next "up".
    private static LocalServers? FindOrForget()
    {
        try
        {
            return LocalServers.Find();
        }
        catch (SettingsException)
        {
            LocalServers.Forget();
            throw new SettingsException("What \"up\" noted about its servers was damaged and is now forgotten. One that still runs has to "
                + $"be ended by its process id: \"ps\" shows them with {LocalServers.Folder}. Nothing was deleted.");
        }
    }

    private static string PortsFile => Path.Combine(LocalServers.Folder, "ports.json");

    // Each server's processes are told to the guard as soon as they run; what was started is ended again when one of them fails.
    private static async Task<LocalServers> StartAsync(
        string folder, StackOptions options, LocalServers? known, Ports ports, Action<LocalProcess> watch, TimeProvider time,
        CancellationToken cancel, List<string>? startedNames = null)
    {
        var started = new List<(string Name, LocalProcess Process)>();
        try
        {
            var kafka = Ensure("kafka", known?.Kafka, known?.KafkaProcess, () => LocalServer.StartKafka(folder, options));
            var redis = Ensure("redis", known?.Redis, known?.RedisProcess,
                () => LocalServer.StartRedis(folder, LoopbackPort.Free(ports.Redis)));
            var clickHouse = Ensure("clickhouse", known?.ClickHouse, known?.ClickHouseProcess,
                () => LocalServer.StartClickHouse(folder, LoopbackPort.Free(ports.ClickHouse)));
            var answers = await Task.WhenAll(kafka.Ready, redis.Ready, clickHouse.Ready);
            startedNames?.AddRange(started.Select(s => s.Name));
            return new LocalServers(answers[0], answers[1], answers[2], kafka.Process, redis.Process, clickHouse.Process);
        }
        catch
        {
            await EndAsync([.. started], time);
            throw;
        }

        (LocalProcess Process, Task<string> Ready) Ensure(string name, string? address, LocalProcess? process, Func<LocalServer> start)
        {
            if (address is not null && process is not null && ProcessTable.IsAlive(process)) return (process, Task.FromResult(address));
            var server = start();
            started.Add((name, server.Process));
            watch(server.Process);
            return (server.Process, server.WhenReadyAsync(time, cancel));
        }
    }

    private static async Task<IReadOnlyList<(string Name, bool InOrder)>> EndAsync(
        (string Name, LocalProcess Process)[] processes, TimeProvider time)
    {
        var alive = processes.Where(p => ProcessTable.IsAlive(p.Process)).ToList();
        return await Task.WhenAll(alive.Select(async p => (p.Name, await ProcessTable.EndAsync(p.Process, StopMax, time))));
    }

    private static Ports ReadPorts(LocalServers? known)
    {
        if (known is not null) return new Ports(LoopbackPort.Of(known.Redis), LoopbackPort.Of(known.ClickHouse));
        try
        {
            return JsonSerializer.Deserialize<Ports>(File.ReadAllText(PortsFile)) ?? new Ports(0, 0);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return new Ports(0, 0);   // only a preference
        }
    }

    // The lock stays: another process may be waiting for it.
    private static void Wipe(string folder)
    {
        foreach (var name in (string[])["redis", "clickhouse"])
            if (Path.Combine(folder, name) is var data && Directory.Exists(data)) Directory.Delete(data, recursive: true);
        foreach (var file in Directory.EnumerateFiles(folder))
            if (Path.GetFileName(file) != "lock") File.Delete(file);
    }
}
