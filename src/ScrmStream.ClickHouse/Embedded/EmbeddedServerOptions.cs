using System.Net;

namespace ScrmStream.ClickHouse.Embedded;

/// <summary>The embedded ClickHouse cannot start; the message says why and what to do.</summary>
public sealed class EmbeddedServerException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>How the embedded ClickHouse runs. Read once, at start.</summary>
public sealed class EmbeddedServerOptions
{
    /// <summary>The folder of the data; made when missing. One process per folder.</summary>
    public string Path { get; set; } = "";

    /// <summary>TCP port of the HTTP interface, 0..65535; 0 takes a free one. Default 8123.</summary>
    public int Port { get; set; } = 8123;

    /// <summary>
    /// Address to listen on. Default 127.0.0.1: the engine can read files, so it is not for open networks without a password.
    /// </summary>
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>The password of the user <c>default</c>; null: none is asked for.</summary>
    public string? Password { get; set; }

    /// <summary>libchdb.so; null: <c>$SCRM_CHDB</c>, else <c>$SCRM_HOME/chdb/libchdb.so</c>.</summary>
    public string? LibraryPath { get; set; }

    /// <summary>Threads of one query, 1..64. Default 2.</summary>
    public int QueryThreads { get; set; } = 2;

    /// <summary>Requests that run at once, 1..64; more wait. Default 8.</summary>
    public int ConcurrentRequestsMax { get; set; } = 8;

    /// <summary>How long a request waits for its turn, in seconds, 1..600; then it gets error 202. Default 30.</summary>
    public int QueueSeconds { get; set; } = 30;

    /// <summary>Bytes of one request body after unpacking, 1 MiB..16 GiB. Default 1 GiB.</summary>
    public long RequestBytesMax { get; set; } = 1L << 30;

    /// <summary>Memory the engine may use, in bytes, at least 256 MiB. Default 2 GiB.</summary>
    public long EngineMemoryBytesMax { get; set; } = 2L << 30;

    /// <summary>Whether an insert is on the disk itself (fsync) before it is acknowledged: survives loss of power. Default true.</summary>
    public bool FsyncInserts { get; set; } = true;

    internal void Validate()
    {
        if (Path.Length == 0) throw new EmbeddedServerException("--path is missing: the folder of the embedded ClickHouse's data.");
        Check(Port is >= 0 and <= 65_535, "--port", "0..65535");
        Check(IPAddress.TryParse(Address, out _), "--address", "an IP address, for example 127.0.0.1");
        Check(QueryThreads is >= 1 and <= 64, nameof(QueryThreads), "1..64");
        Check(ConcurrentRequestsMax is >= 1 and <= 64, nameof(ConcurrentRequestsMax), "1..64");
        Check(QueueSeconds is >= 1 and <= 600, nameof(QueueSeconds), "1..600");
        Check(RequestBytesMax is >= 1 << 20 and <= 16L << 30, nameof(RequestBytesMax), "1 MiB..16 GiB");
        Check(EngineMemoryBytesMax >= 256L << 20, nameof(EngineMemoryBytesMax), "at least 256 MiB");
    }

    /// <summary>Where the library lies: the option, else the environment.</summary>
    internal string FindLibrary()
    {
        var home = Environment.GetEnvironmentVariable("SCRM_HOME");
        var candidates = new[]
        {
            LibraryPath,
            Environment.GetEnvironmentVariable("SCRM_CHDB"),
            string.IsNullOrEmpty(home) ? null : System.IO.Path.Combine(home, "chdb", "libchdb.so"),
        };
        foreach (var candidate in candidates)
        {
            if (string.IsNullOrEmpty(candidate)) continue;
            if (File.Exists(candidate)) return candidate;
            throw new EmbeddedServerException(
                $"The ClickHouse engine is not at {candidate}. Run `./scrm setup`, or set SCRM_CHDB to libchdb.so.");
        }
        throw new EmbeddedServerException(
            "The ClickHouse engine (libchdb.so) is not known: neither SCRM_CHDB nor SCRM_HOME is set. " +
            "Run `./scrm setup` and start with ./scrm.");
    }

    private static void Check(bool valid, string name, string range)
    {
        if (!valid) throw new EmbeddedServerException($"{name} is out of range: it takes {range}.");
    }
}
