namespace ScrmStream.Events.Avro;

/// <summary>Where the schemas of Avro records come from. Settable at the edge, validated at start, then only read.</summary>
public sealed class SchemaOptions
{
    /// <summary>Address of a schema registry, <c>http(s)://host:port[/path]</c>. Empty: none is asked.</summary>
    public string Registry { get; set; } = "";
    /// <summary>Signs in at the registry by HTTP basic; null: nobody does.</summary>
    public string? User { get; set; }
    public string? Password { get; set; }
    /// <summary>Signs in at the registry by a bearer token; null: none.</summary>
    public string? Token { get; set; }
    /// <summary>Authority that signed the registry's certificate, a PEM file; null: the machine's own list.</summary>
    public string? CertificateAuthorityFile { get; set; }
    /// <summary>Folder of schemas, the registry that needs no server. Empty: none.</summary>
    public string Folder { get; set; } = "";
    /// <summary>A changed copy of the canonical schema, with aliases or defaults of one's own; null: the canonical one.</summary>
    public string? Reader { get; set; }
    /// <summary>One request to the registry. Default 5,000 ms, range 100 to 60,000.</summary>
    public int RequestTimeoutMs { get; set; } = 5_000;
    /// <summary>First pause after a failed request; it doubles. Default 100 ms, range 1 to 60,000.</summary>
    public int RetryDelayMs { get; set; } = 100;
    /// <summary>Longest pause between two requests. Default 5,000 ms.</summary>
    public int RetryDelayMaxMs { get; set; } = 5_000;
    /// <summary>Schemas kept in memory; then the oldest goes. Default 1,000, range 16 to 100,000.</summary>
    public int KnownMax { get; set; } = 1_000;
    /// <summary>How long a schema that nobody knows is not asked for again. Default 60,000 ms, range 100 to 3,600,000.</summary>
    public int UnknownForMs { get; set; } = 60_000;

    /// <exception cref="ArgumentException">An option is wrong; the message names it.</exception>
    public void Validate()
    {
        var isAddress = Registry.Length == 0
            || (Uri.TryCreate(Registry, UriKind.Absolute, out var address) && address.Scheme is "http" or "https");
        if (!isAddress) throw new ArgumentException($"Schemas:Registry '{Registry}' is not an address like http://host:8081.");
        if (Password is not null && User is null) throw new ArgumentException("Schemas:Password needs Schemas:User.");
        if (Token is not null && User is not null) throw new ArgumentException("Schemas:Token and Schemas:User: give one of them.");
        if (CertificateAuthorityFile is not null && !File.Exists(CertificateAuthorityFile))
            throw new ArgumentException($"Schemas:CertificateAuthorityFile: there is no file {CertificateAuthorityFile}.");
        if (Reader is not null && !File.Exists(Reader)) throw new ArgumentException($"Schemas:Reader: there is no file {Reader}.");
        Check(RequestTimeoutMs, 100, 60_000, nameof(RequestTimeoutMs));
        Check(RetryDelayMs, 1, 60_000, nameof(RetryDelayMs));
        Check(RetryDelayMaxMs, RetryDelayMs, 600_000, nameof(RetryDelayMaxMs));
        Check(KnownMax, 16, 100_000, nameof(KnownMax));
        Check(UnknownForMs, 100, 3_600_000, nameof(UnknownForMs));
    }

    private static void Check(int value, int min, int max, string name)
    {
        if (value < min || value > max) throw new ArgumentOutOfRangeException(name, value, $"Schemas:{name} must be from {min} to {max}.");
    }
}
