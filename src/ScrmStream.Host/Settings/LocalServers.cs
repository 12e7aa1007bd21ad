using System.Text.Json;

namespace ScrmStream.Host.Settings;

/// <summary>A process that <c>up</c> started, as it can be recognised later: a process id alone may have been given to another.</summary>
/// <param name="StartTicks">Field 22 of /proc/PID/stat: the process's start, in clock ticks since boot.</param>
public sealed record LocalProcess(int Pid, long StartTicks);

/// <summary>The servers that <c>up</c> started on this machine; kept as <c>up/servers.json</c> in the home folder.</summary>
public sealed record LocalServers(
    string Kafka, string Redis, string ClickHouse, LocalProcess KafkaProcess, LocalProcess RedisProcess, LocalProcess ClickHouseProcess)
{
    /// <summary>Where the project keeps what it installed and started: SCRM_HOME, else <c>.scrm</c> in the current folder.</summary>
    public static string Home { get; } = Path.GetFullPath(Environment.GetEnvironmentVariable("SCRM_HOME") ?? ".scrm");

    public static string Folder => Path.Combine(Home, "up");

    private static string StateFile => Path.Combine(Folder, "servers.json");

    /// <summary>The servers of an earlier <c>up</c>; null when there was none.</summary>
    public static LocalServers? Find() =>
        File.Exists(StateFile) ? JsonSerializer.Deserialize<LocalServers>(File.ReadAllText(StateFile)) : null;

    public void Save()
    {
        Directory.CreateDirectory(Folder);
        File.WriteAllText(StateFile, JsonSerializer.Serialize(this));
    }

    public static void Forget() => File.Delete(StateFile);
}
