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

    /// <summary>The schemas of Avro producers: <c>Schemas:Folder</c> beside the servers that <c>up</c> started.</summary>
    public static string SchemaFolder => Path.Combine(Folder, "schemas");

    private static string StateFile => Path.Combine(Folder, "servers.json");

    // A member that is missing is damage, not a null.
    private static readonly JsonSerializerOptions Strict =
        new() { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    /// <summary>The servers of an earlier <c>up</c>; null when there was none.</summary>
    /// <exception cref="SettingsException">The file is damaged.</exception>
    public static LocalServers? Find()
    {
        if (!File.Exists(StateFile)) return null;
        try
        {
            if (JsonSerializer.Deserialize<LocalServers>(File.ReadAllText(StateFile), Strict) is { } servers) return servers;
        }
        catch (JsonException)
        {
            // Said below, as for a file that holds only "null".
        }
        throw new SettingsException($"{StateFile} is damaged: run ./scrm down, then ./scrm up again.");
    }

    /// <summary>Written beside it and moved over it: a reader sees the old file or the new one, never half of one.</summary>
    public void Save()
    {
        Directory.CreateDirectory(Folder);
        var next = $"{StateFile}.next";
        File.WriteAllText(next, JsonSerializer.Serialize(this));
        File.Move(next, StateFile, overwrite: true);
    }

    public static void Forget() => File.Delete(StateFile);
}
