using System.Buffers;
using System.IO.Compression;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace ScrmStream.ClickHouse.Embedded;

/// <summary>A request's statement and data as one text: the query argument, a line end, and the unpacked body.</summary>
internal sealed class RequestBody : IDisposable
{
    private const int ChunkBytes = 256 * 1024;

    private readonly Stream _stream;
    private readonly long _bytesMax;
    private byte[] _buffer;
    private int _length;
    private long _total;
    private bool _ended;

    public RequestBody(HttpRequest http, string query, long bytesMax)
    {
        _stream = Unpack(http);
        _bytesMax = bytesMax;
        _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(ChunkBytes, query.Length * 3 + 1));
        if (query.Length == 0) return;
        _length = System.Text.Encoding.UTF8.GetBytes(query, _buffer);
        _buffer[_length++] = (byte)'\n';
    }

    /// <summary>What has been read and not yet dropped.</summary>
    public ReadOnlySpan<byte> Text => _buffer.AsSpan(0, _length);

    /// <summary>Everything has been read.</summary>
    public bool IsWhole => _ended;

    /// <summary>Reads more behind the text, growing the buffer; false at the end.</summary>
    public async ValueTask<bool> ReadMoreAsync(CancellationToken cancel)
    {
        if (_ended) return false;
        if (_buffer.Length - _length < ChunkBytes / 4) Grow();
        var read = await _stream.ReadAsync(_buffer.AsMemory(_length), cancel);
        _length += read;
        _total += read;
        _ended = read == 0;
        if (_total > _bytesMax)
            throw new ChdbException($"Code: 223. DB::Exception: The body is longer than {_bytesMax} bytes. (QUERY_IS_TOO_LARGE)");
        return !_ended;
    }

    /// <summary>Forgets the text, so that the next read starts at the buffer's beginning.</summary>
    public void Drop() => _length = 0;

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        Text.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private static Stream Unpack(HttpRequest http) => http.Headers[HeaderNames.ContentEncoding].ToString().ToLowerInvariant() switch
    {
        "" or "identity" => http.Body,
        "gzip" => new GZipStream(http.Body, CompressionMode.Decompress),
        "deflate" => new ZLibStream(http.Body, CompressionMode.Decompress),
        "br" => new BrotliStream(http.Body, CompressionMode.Decompress),
        var other => throw new ChdbException(
            $"Code: 48. DB::Exception: Content-Encoding {other} is not supported; use gzip. (NOT_IMPLEMENTED)"),
    };
}
