using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace ScrmStream.ClickHouse.Embedded;

/// <summary>
/// The ClickHouse engine inside this process: one per process, one storage path, and no clean shutdown (the process ends hard).
/// Each request opens its own connection (about 0.4 ms), so a database or a setting never leaks into another request.
/// </summary>
internal sealed unsafe class ChdbEngine
{
    private static readonly Lock Start = new();
    private static string? _libraryPath;

    private readonly byte[][] _arguments;

    private ChdbEngine(byte[][] arguments, string version, string timeZone)
    {
        TimeZone = timeZone;
        _arguments = arguments;
        Version = version;
    }

    /// <summary>The version of the ClickHouse engine, for example 26.7.2.1.</summary>
    public string Version { get; }

    /// <summary>The engine's time zone: that of the machine.</summary>
    public string TimeZone { get; }

    /// <summary>Loads the library, starts the engine on the path and checks that it answers.</summary>
    /// <exception cref="EmbeddedServerException">The library is missing or the engine refuses the path.</exception>
    public static ChdbEngine Open(string libraryPath, string storagePath, string configFile, int queryThreads)
    {
        lock (Start)
        {
            if (_libraryPath is not null) throw new InvalidOperationException("The engine runs once per process.");
            _libraryPath = libraryPath;
            NativeLibrary.SetDllImportResolver(typeof(ChdbNative).Assembly, Resolve);
            // The engine ignores profiles in its configuration file, and its own defaults are those of a command-line tool.
            string[] session = ["clickhouse", $"--path={storagePath}", $"--max_threads={queryThreads}",
                "--max_insert_threads=1", "--async_insert=0", "--implicit_select=0", "--allow_introspection_functions=0"];
            return StartEngine(Terminated(session), Terminated([.. session, $"--config-file={configFile}"]), storagePath);
        }
    }

    /// <summary>A session of its own. Dispose it on the thread pool's time: closing is cheap.</summary>
    public ChdbConnection Connect()
    {
        var connection = ConnectWith(_arguments);
        return connection == null
            ? throw new ChdbException("Code: 1002. DB::Exception: The engine gave no connection. (UNKNOWN_EXCEPTION)")
            : new ChdbConnection(connection);
    }

    private static byte[][] Terminated(string[] arguments) =>
        Array.ConvertAll(arguments, a => Encoding.UTF8.GetBytes(a + '\0'));

    private static ChdbEngine StartEngine(byte[][] arguments, byte[][] firstArguments, string storagePath)
    {
        var signals = SavedSignals.Take();
        ChdbNative.chdb_set_signal_handlers_enabled(0);
        var first = ConnectWith(firstArguments);
        signals.Restore();
        if (first == null)
            throw new EmbeddedServerException(
                $"The embedded ClickHouse engine does not start on {storagePath}: the folder is in use, not writable, " +
                "or of a newer version. " +
                "Free it or give another one with --path.");
        // This first connection is never closed: the engine goes down with its last connection, and does not come back up.
        var connection = new ChdbConnection(first);
        using var answer = connection.Execute("SELECT version(), timezone()"u8, "TabSeparatedRaw"u8, []);
        answer.ThrowOnError();
        var words = Encoding.UTF8.GetString(answer.Data).Trim().Split('\t');
        return new ChdbEngine(arguments, words[0], words[1]);
    }

    private static nint* ConnectWith(byte[][] arguments)
    {
        var handles = new GCHandle[arguments.Length];
        var argv = stackalloc byte*[arguments.Length];
        try
        {
            for (var i = 0; i < arguments.Length; i++)
            {
                handles[i] = GCHandle.Alloc(arguments[i], GCHandleType.Pinned);
                argv[i] = (byte*)handles[i].AddrOfPinnedObject();
            }
            return ChdbNative.chdb_connect(arguments.Length, argv);
        }
        finally
        {
            foreach (var handle in handles)
                if (handle.IsAllocated) handle.Free();
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) =>
        name == ChdbNative.Library && _libraryPath is not null ? NativeLibrary.Load(_libraryPath) : 0;
}
