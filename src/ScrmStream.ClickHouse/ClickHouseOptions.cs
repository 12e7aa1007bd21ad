namespace ScrmStream.ClickHouse;

/// <summary>Where ClickHouse is and how patient the client is. Read once, when a client is made.</summary>
public sealed class ClickHouseOptions
{
    /// <summary>Address of the HTTP interface, http or https, without a path. Default http://127.0.0.1:8123.</summary>
    public string Address { get; set; } = "http://127.0.0.1:8123";

    /// <summary>The namespace's database: 1..64 letters, digits and underscores, no digit first. Default scrm.</summary>
    public string Database { get; set; } = "scrm";

    /// <summary>Default default.</summary>
    public string User { get; set; } = "default";

    /// <summary>Null: none is sent.</summary>
    public string? Password { get; set; }

    /// <summary>PEM file of the authority that signed the server's certificate; null: the machine's own list is used.</summary>
    public string? CertificateAuthorityFile { get; set; }

    /// <summary>One request, in milliseconds, 100..3600000. Default 60000; keep it below the consumer's poll interval.</summary>
    public int RequestTimeoutMs { get; set; } = 60_000;

    /// <summary>How long a start, a query or a migration tries to reach the server, in milliseconds, 0..3600000. Default 10000.</summary>
    public int ReachTimeoutMs { get; set; } = 10_000;

    /// <summary>First pause before a retry, in milliseconds, 1..60000; it doubles up to the limit. Default 100.</summary>
    public int RetryDelayMs { get; set; } = 100;

    /// <summary>Longest pause before a retry, in milliseconds, 1..600000. Default 5000.</summary>
    public int RetryDelayMaxMs { get; set; } = 5_000;

    internal Uri Validate()
    {
        if (!Uri.TryCreate(Address, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new ArgumentException(
                $"ClickHouse:Address (--clickhouse) is '{Address}'; it takes http://HOST:PORT or https://HOST:PORT.");
        Check(IsName(Database), "ClickHouse:Database", "1..64 letters, digits and underscores, no digit first");
        Check(RequestTimeoutMs is >= 100 and <= 3_600_000, "ClickHouse:RequestTimeoutMs", "100..3600000");
        Check(ReachTimeoutMs is >= 0 and <= 3_600_000, "ClickHouse:ReachTimeoutMs", "0..3600000");
        Check(RetryDelayMs is >= 1 and <= 60_000, "ClickHouse:RetryDelayMs", "1..60000");
        Check(RetryDelayMaxMs >= RetryDelayMs && RetryDelayMaxMs <= 600_000, "ClickHouse:RetryDelayMaxMs", "RetryDelayMs..600000");
        Check(CertificateAuthorityFile is null || File.Exists(CertificateAuthorityFile), "ClickHouse:CertificateAuthorityFile",
            "an existing PEM file");
        return uri;
    }

    private static bool IsName(string name) =>
        name.Length is >= 1 and <= 64 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');

    private static void Check(bool valid, string name, string range)
    {
        if (!valid) throw new ArgumentException($"{name} is out of range: it takes {range}.");
    }
}
