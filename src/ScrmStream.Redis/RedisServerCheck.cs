using ScrmStream.Pipeline;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>A setting of the server that weakens the guarantee.</summary>
/// <param name="Actual">Null when the server does not say.</param>
/// <param name="Consequence">What may happen, and the fix.</param>
public readonly record struct RedisFinding(string Setting, string? Actual, string Wanted, string Consequence)
{
    public override string ToString() => $"{Setting} is {Actual ?? "not readable"}, wanted {Wanted}: {Consequence}";
}

/// <summary>Judges a server at start, before anything is written.</summary>
public sealed class RedisServerCheck(RedisConnection connection)
{
    /// <summary>The version of keys and stored forms that this program reads and writes.</summary>
    public const string StateFormat = "1";

    private static readonly Version Oldest = new(7, 0);
    private static readonly (string Name, string Wanted, string Consequence)[] Settings =
    [
        ("appendonly", "yes", "a restart of Redis loses everything. Set: appendonly yes."),
        ("appendfsync", "always", "a crash of the machine loses what Redis acknowledged. Set: appendfsync always."),
        ("maxmemory-policy", "noeviction", "a full Redis drops cells. Set: maxmemory-policy noeviction."),
    ];

    /// <summary>
    /// Checks version, permissions and state format, and returns what weakens the guarantee to at least once; empty when nothing does.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The server is too old, forbids a command, or holds another state format.</exception>
    public async Task<IReadOnlyList<RedisFinding>> RunAsync(CancellationToken cancel)
    {
        await CheckVersionAsync();
        await CheckRestoreAsync(cancel);
        await CheckFormatAsync(cancel);
        var findings = new List<RedisFinding>();
        foreach (var (name, wanted, consequence) in Settings)
        {
            var actual = await SettingAsync(name);
            if (actual != wanted) findings.Add(new RedisFinding(name, actual, wanted, consequence));
        }
        foreach (var finding in findings) RedisLog.Finding(connection.Logger, connection.Address, finding.ToString());
        return findings;
    }

    private async Task CheckVersionAsync()
    {
        var server = await connection.InfoAsync("server");
        var text = server.GetValueOrDefault("redis_version") ?? "";
        if (!Version.TryParse(text, out var version) || version < Oldest)
        {
            throw Unusable($"is version '{text}'. ScrmStream needs {Oldest} or later: "
                + $"it writes hashes in the form that {Oldest} introduced. Upgrade it, or give the address of another: --redis");
        }
    }

    // Views are written by RESTORE in scripts, which some servers forbid; and the form has to mean to the server what it means to us.
    private async Task CheckRestoreAsync(CancellationToken cancel)
    {
        var payload = new HashPayload();
        payload.Begin();
        payload.Add("probe"u8, "1700000000000"u8);
        var bytes = payload.End().ToArray();
        RedisKey[] keys = [connection.Keys.Meta("probe")];
        const string script = """
            redis.call('RESTORE', KEYS[1], 0, ARGV[1], 'REPLACE')
            local back = redis.call('HGET', KEYS[1], 'probe')
            redis.call('DEL', KEYS[1])
            return back
            """;
        string? back;
        try
        {
            back = (string?)await connection.CallAsync(db => db.ScriptEvaluateAsync(script, keys, [bytes]), cancel);
        }
        catch (StoreUnavailableException e)
        {
            throw Unusable($"does not let a script RESTORE, HGET and DEL a key ({e.InnerException?.Message}). "
                + "Allow its default user: ~scrm:* +@read +@write +@scripting +@connection +restore +info", e);
        }
        if (back != "1700000000000") throw Unusable($"stored a hash and gave back '{back}': it is not compatible with Redis {Oldest}.");
    }

    private async Task CheckFormatAsync(CancellationToken cancel)
    {
        var stored = await new RedisMeta(connection).WriteOnceAsync("format", StateFormat, cancel);
        if (stored != StateFormat)
        {
            throw Unusable($"holds state of format {stored} ({connection.Keys.Meta("format")}), and this version reads {StateFormat}. "
                + "Run the version that wrote it, give another --namespace, or delete the keys of this one "
                + "and read the topics again from the start");
        }
    }

    private async Task<string?> SettingAsync(string name)
    {
        try
        {
            var server = connection.Primaries().First();
            return (await server.ConfigGetAsync(name)).Select(p => p.Value).FirstOrDefault();
        }
        catch (RedisException)
        {
            return null;   // managed servers often forbid CONFIG; the finding says that it is not readable
        }
    }

    private StoreUnavailableException Unusable(string what, Exception? inner = null) =>
        new($"Redis at {connection.Address} (--redis, Redis:Address) {what}", inner);
}
