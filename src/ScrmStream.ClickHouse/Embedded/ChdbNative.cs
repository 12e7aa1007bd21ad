using System.Runtime.InteropServices;

namespace ScrmStream.ClickHouse.Embedded;

/// <summary>The part of chDB's C interface that the embedded server uses. Lengths are explicit everywhere, so bytes are bytes.</summary>
internal static unsafe partial class ChdbNative
{
    internal const string Library = "chdb";

    [LibraryImport(Library)]
    internal static partial byte* chdb_version();

    [LibraryImport(Library)]
    internal static partial void chdb_set_signal_handlers_enabled(int enabled);

    /// <summary>Returns a pointer to a connection handle, null on failure.</summary>
    [LibraryImport(Library)]
    internal static partial nint* chdb_connect(int argc, byte** argv);

    [LibraryImport(Library)]
    internal static partial void chdb_close_conn(nint* connection);

    [LibraryImport(Library)]
    internal static partial nint chdb_query_with_params_n(
        nint connection, byte* query, nuint queryLength, byte* format, nuint formatLength,
        byte** names, nuint* nameLengths, byte** values, nuint* valueLengths, nuint count);

    [LibraryImport(Library)]
    internal static partial nint chdb_stream_query_with_params_n(
        nint connection, byte* query, nuint queryLength, byte* format, nuint formatLength,
        byte** names, nuint* nameLengths, byte** values, nuint* valueLengths, nuint count);

    [LibraryImport(Library)]
    internal static partial nint chdb_stream_fetch_result(nint connection, nint stream);

    [LibraryImport(Library)]
    internal static partial void chdb_stream_cancel_query(nint connection, nint stream);

    [LibraryImport(Library)]
    internal static partial nint chdb_stream_insert_with_params_n(
        nint connection, byte* query, nuint queryLength, byte* format, nuint formatLength,
        byte** names, nuint* nameLengths, byte** values, nuint* valueLengths, nuint count);

    [LibraryImport(Library)]
    internal static partial int chdb_stream_append(nint insert, byte* data, nuint length);

    [LibraryImport(Library)]
    internal static partial nint chdb_stream_done(nint insert);

    [LibraryImport(Library)]
    internal static partial void chdb_stream_cancel_insert(nint insert);

    [LibraryImport(Library)]
    internal static partial byte* chdb_stream_insert_error(nint insert);

    [LibraryImport(Library)]
    internal static partial void chdb_destroy_insert_stream(nint insert);

    [LibraryImport(Library)]
    internal static partial void chdb_destroy_query_result(nint result);

    [LibraryImport(Library)]
    internal static partial byte* chdb_result_buffer(nint result);

    [LibraryImport(Library)]
    internal static partial nuint chdb_result_length(nint result);

    [LibraryImport(Library)]
    internal static partial byte* chdb_result_error(nint result);

    [LibraryImport(Library)]
    internal static partial ulong chdb_result_rows_read(nint result);

    [LibraryImport(Library)]
    internal static partial ulong chdb_result_storage_rows_read(nint result);

    [LibraryImport(Library)]
    internal static partial ulong chdb_result_storage_bytes_read(nint result);

    [LibraryImport(Library)]
    internal static partial ulong chdb_result_rows_written(nint result);

    [LibraryImport(Library)]
    internal static partial ulong chdb_result_bytes_written(nint result);

    [LibraryImport("libc", EntryPoint = "sigaction")]
    internal static partial int SignalAction(int signal, void* action, void* previous);

    /// <summary>Ends the process at once: no exit handlers run.</summary>
    [LibraryImport("libc", EntryPoint = "_exit")]
    internal static partial void ExitNow(int code);
}
