using System.Runtime.InteropServices;
using System.Text;

namespace ScrmStream.ClickHouse.Embedded;

/// <summary>The engine's own error; the message is ClickHouse's, from <c>Code: N. DB::Exception:</c> on.</summary>
internal sealed class ChdbException(string message) : Exception(message);

/// <summary>A query parameter for <c>{name:Type}</c>; the value is in ClickHouse's escaped (TSV) form.</summary>
internal readonly record struct QueryParameter(string Name, string Value);

/// <summary>One session of the engine. Used by one thread at a time; its calls block.</summary>
internal sealed unsafe class ChdbConnection(nint* connection) : IDisposable
{
    private nint* _connection = connection;

    private nint Handle => *_connection;

    /// <summary>Runs one statement and holds its whole result.</summary>
    public ChdbResult Execute(ReadOnlySpan<byte> sql, ReadOnlySpan<byte> format, IReadOnlyList<QueryParameter> parameters)
    {
        using var pinned = new PinnedParameters(parameters);
        fixed (byte* s = sql, f = format)
            return new ChdbResult(ChdbNative.chdb_query_with_params_n(
                Handle, s, (nuint)sql.Length, f, (nuint)format.Length,
                pinned.Names, pinned.NameLengths, pinned.Values, pinned.ValueLengths, pinned.Count));
    }

    /// <summary>Runs a statement that answers nothing; throws its error.</summary>
    public void Command(string sql)
    {
        using var result = Execute(Encoding.UTF8.GetBytes(sql), "Null"u8, []);
        result.ThrowOnError();
    }

    /// <summary>Opens a SELECT whose result comes in chunks.</summary>
    public ChdbResult OpenStream(ReadOnlySpan<byte> sql, ReadOnlySpan<byte> format, IReadOnlyList<QueryParameter> parameters)
    {
        using var pinned = new PinnedParameters(parameters);
        fixed (byte* s = sql, f = format)
            return new ChdbResult(ChdbNative.chdb_stream_query_with_params_n(
                Handle, s, (nuint)sql.Length, f, (nuint)format.Length,
                pinned.Names, pinned.NameLengths, pinned.Values, pinned.ValueLengths, pinned.Count));
    }

    /// <summary>The next chunk; the stream is at its end when it has neither bytes nor rows.</summary>
    public ChdbResult Fetch(ChdbResult stream) => new(ChdbNative.chdb_stream_fetch_result(Handle, stream.Handle));

    public void CancelStream(ChdbResult stream) => ChdbNative.chdb_stream_cancel_query(Handle, stream.Handle);

    /// <summary>Opens an INSERT; its data follows by <see cref="ChdbInsert.Append"/>.</summary>
    public ChdbInsert OpenInsert(ReadOnlySpan<byte> sql, ReadOnlySpan<byte> format, IReadOnlyList<QueryParameter> parameters)
    {
        using var pinned = new PinnedParameters(parameters);
        fixed (byte* s = sql, f = format)
            return new ChdbInsert(ChdbNative.chdb_stream_insert_with_params_n(
                Handle, s, (nuint)sql.Length, f, (nuint)format.Length,
                pinned.Names, pinned.NameLengths, pinned.Values, pinned.ValueLengths, pinned.Count));
    }

    public void Dispose()
    {
        if (_connection == null) return;
        ChdbNative.chdb_close_conn(_connection);
        _connection = null;
    }

    internal static string? TextOf(byte* zeroTerminated) =>
        zeroTerminated == null ? null : Marshal.PtrToStringUTF8((nint)zeroTerminated);
}

/// <summary>A result in the engine's memory; its data is valid until it is disposed.</summary>
internal sealed unsafe class ChdbResult(nint handle) : IDisposable
{
    internal nint Handle { get; private set; } = handle;

    public string? Error => Handle == 0
        ? "Code: 1002. DB::Exception: The engine gave neither a result nor an error. (UNKNOWN_EXCEPTION)"
        : ChdbConnection.TextOf(ChdbNative.chdb_result_error(Handle));

    public int Length => checked((int)ChdbNative.chdb_result_length(Handle));
    public ReadOnlySpan<byte> Data => Length == 0 ? default : new(ChdbNative.chdb_result_buffer(Handle), Length);

    public ulong ResultRows => ChdbNative.chdb_result_rows_read(Handle);
    public ulong ReadRows => ChdbNative.chdb_result_storage_rows_read(Handle);
    public ulong ReadBytes => ChdbNative.chdb_result_storage_bytes_read(Handle);
    public ulong WrittenRows => ChdbNative.chdb_result_rows_written(Handle);
    public ulong WrittenBytes => ChdbNative.chdb_result_bytes_written(Handle);

    public void ThrowOnError()
    {
        if (Error is { } error) throw new ChdbException(error);
    }

    public void Dispose()
    {
        if (Handle == 0) return;
        ChdbNative.chdb_destroy_query_result(Handle);
        Handle = 0;
    }
}

/// <summary>An open INSERT. Nothing of it is stored before <see cref="Finish"/>, except full blocks of a very long one.</summary>
internal sealed unsafe class ChdbInsert : IDisposable
{
    private nint _handle;
    private bool _finished;

    internal ChdbInsert(nint handle)
    {
        _handle = handle;
        ThrowOnError();
    }

    /// <summary>Hands bytes to the parser; blocks while the engine is behind.</summary>
    public void Append(ReadOnlySpan<byte> data)
    {
        fixed (byte* d = data)
            if (ChdbNative.chdb_stream_append(_handle, d, (nuint)data.Length) != 0) ThrowOnError();
    }

    /// <summary>Ends the data; when the result has no error the rows are stored.</summary>
    public ChdbResult Finish()
    {
        _finished = true;
        return new ChdbResult(ChdbNative.chdb_stream_done(_handle));
    }

    public void Dispose()
    {
        if (_handle == 0) return;
        if (!_finished) ChdbNative.chdb_stream_cancel_insert(_handle);
        ChdbNative.chdb_destroy_insert_stream(_handle);
        _handle = 0;
    }

    private void ThrowOnError()
    {
        var error = _handle == 0 ? "Code: 1002. DB::Exception: The engine opened no insert. (UNKNOWN_EXCEPTION)"
            : ChdbConnection.TextOf(ChdbNative.chdb_stream_insert_error(_handle));
        if (string.IsNullOrEmpty(error)) return;
        Dispose();
        throw new ChdbException(error);
    }
}

/// <summary>Parameters as the C interface takes them: four arrays, pinned for one call.</summary>
internal readonly unsafe ref struct PinnedParameters
{
    private readonly GCHandle[] _handles;

    public PinnedParameters(IReadOnlyList<QueryParameter> parameters)
    {
        Count = (nuint)parameters.Count;
        _handles = [];
        if (parameters.Count == 0) return;
        var n = parameters.Count;
        _handles = new GCHandle[2 * n + 2];
        var pointers = new nint[2 * n];
        var lengths = new nuint[2 * n];
        for (var i = 0; i < n; i++)
        {
            (pointers[i], lengths[i]) = Pin(2 + i, parameters[i].Name);
            (pointers[n + i], lengths[n + i]) = Pin(2 + n + i, parameters[i].Value);
        }
        _handles[0] = GCHandle.Alloc(pointers, GCHandleType.Pinned);
        _handles[1] = GCHandle.Alloc(lengths, GCHandleType.Pinned);
        Names = (byte**)_handles[0].AddrOfPinnedObject();
        NameLengths = (nuint*)_handles[1].AddrOfPinnedObject();
        Values = Names + n;
        ValueLengths = NameLengths + n;
    }

    public nuint Count { get; }
    public byte** Names { get; }
    public nuint* NameLengths { get; }
    public byte** Values { get; }
    public nuint* ValueLengths { get; }

    public void Dispose()
    {
        foreach (var handle in _handles)
            if (handle.IsAllocated) handle.Free();
    }

    private (nint Pointer, nuint Length) Pin(int slot, string text)
    {
        // One byte more than the text, so that an empty text still has an address.
        var bytes = Encoding.UTF8.GetBytes(text + '\0');
        _handles[slot] = GCHandle.Alloc(bytes, GCHandleType.Pinned);
        return (_handles[slot].AddrOfPinnedObject(), (nuint)(bytes.Length - 1));
    }
}
