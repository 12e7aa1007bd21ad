namespace ScrmStream.Redis;

/// <summary>How to reach Redis and how hard to work it (section <c>Redis</c> of the configuration).</summary>
/// <remarks>
/// There is no user name: the client library signs in with <c>AUTH password</c> only, so an ACL has to be put on Redis's
/// <c>default</c> user. It needs <c>~scrm:* +@read +@write +@scripting +@connection +restore +info</c>, and <c>+config|get</c> for the
/// durability check.
/// </remarks>
public sealed class RedisOptions
{
    /// <summary><c>host:port</c>; several, separated by commas, for a cluster or a primary with replicas.</summary>
    public string Address { get; set; } = "127.0.0.1:6379";

    /// <summary>Null or empty: no sign-in.</summary>
    public string? Password { get; set; }

    public bool Tls { get; set; }

    /// <summary>
    /// Keeps stores apart in one server: <c>N</c> puts every key under <c>scrm:N:</c> instead of <c>scrm:</c>. Empty, or 1 to 64 of
    /// <c>a-z 0-9 _ -</c>; not <c>cell</c>, <c>leads</c>, <c>timers</c> or <c>meta</c>.
    /// </summary>
    public string Namespace { get; set; } = "";

    /// <summary>Cells or views in one script call, 1 to 3000. Redis does nothing else while it runs a call.</summary>
    public int KeysPerCall { get; set; } = 2_000;

    /// <summary>A call is closed when its content reaches this size, 4 KiB to 64 MiB.</summary>
    public int CallBytes { get; set; } = 2 * 1024 * 1024;

    /// <summary>Calls sent and not yet answered, 1 to 64; further ones wait.</summary>
    public int CallsInFlight { get; set; } = 4;

    /// <summary>A call without an answer counts as lost after this time and is sent again, 100 to 600,000.</summary>
    public int CallTimeoutMs { get; set; } = 10_000;

    /// <summary>For connecting at start, 100 to 600,000.</summary>
    public int ConnectTimeoutMs { get; set; } = 15_000;

    /// <summary>First wait after a failed call, 1 to 60,000; doubles up to <see cref="RetryDelayMaxMs"/>.</summary>
    public int RetryDelayMs { get; set; } = 50;

    /// <summary>Longest wait between two attempts, 1 to 600,000.</summary>
    public int RetryDelayMaxMs { get; set; } = 500;

    /// <summary>What is wrong with the options, each with the setting's name; empty when they can be used.</summary>
    public IReadOnlyList<string> Validate()
    {
        var wrong = new List<string>();
        if (string.IsNullOrWhiteSpace(Address)) wrong.Add("Redis:Address (--redis) is empty: give host:port.");
        if (!RedisKeys.IsNamespace(Namespace))
        {
            wrong.Add($"Redis:Namespace (--namespace) '{Namespace}' is not 1 to 64 of a-z 0-9 _ -, "
                + "or is one of cell, leads, timers, meta.");
        }
        Range(KeysPerCall, 1, 3_000, nameof(KeysPerCall));
        Range(CallBytes, 4 * 1024, 64 * 1024 * 1024, nameof(CallBytes));
        Range(CallsInFlight, 1, 64, nameof(CallsInFlight));
        Range(CallTimeoutMs, 100, 600_000, nameof(CallTimeoutMs));
        Range(ConnectTimeoutMs, 100, 600_000, nameof(ConnectTimeoutMs));
        Range(RetryDelayMs, 1, 60_000, nameof(RetryDelayMs));
        Range(RetryDelayMaxMs, RetryDelayMs, 600_000, nameof(RetryDelayMaxMs));
        return wrong;

        void Range(int value, int min, int max, string name)
        {
            if (value < min || value > max) wrong.Add($"Redis:{name} is {value}: give {min} to {max}.");
        }
    }
}
