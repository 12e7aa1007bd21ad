using System.Globalization;
using System.IO.Compression;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace ScrmStream.ClickHouse.Embedded;

/// <summary>Writes one answer: headers, then data as it comes, packed when the client asked for it.</summary>
internal sealed class QueryAnswer(HttpResponse http, QueryRequest request) : IAsyncDisposable
{
    private Stream? _packed;

    public void SetFormat(string format)
    {
        http.Headers["X-ClickHouse-Format"] = format;
        http.ContentType = ResultFormats.ContentType(format);
    }

    public void SetSummary(ChdbResult result, TimeSpan elapsed)
    {
        if (http.HasStarted) return;
        http.Headers["X-ClickHouse-Summary"] = string.Create(CultureInfo.InvariantCulture,
            $"{{\"read_rows\":\"{result.ReadRows}\",\"read_bytes\":\"{result.ReadBytes}\",\"written_rows\":\"{result.WrittenRows}\"," +
            $"\"written_bytes\":\"{result.WrittenBytes}\",\"total_rows_to_read\":\"0\",\"result_rows\":\"{result.ResultRows}\"," +
            $"\"result_bytes\":\"{result.Length}\",\"elapsed_ns\":\"{elapsed.Ticks * 100}\"}}");
    }

    /// <summary>Sends the data of a result; it is copied out of the engine's memory before the call yields.</summary>
    public async Task WriteAsync(ChdbResult result, CancellationToken cancel)
    {
        if (result.Length == 0) return;
        if (request.CompressesAnswer)
        {
            if (_packed is null)
            {
                http.Headers[HeaderNames.ContentEncoding] = "gzip";
                _packed = new GZipStream(http.Body, CompressionLevel.Fastest, leaveOpen: true);
            }
            for (var at = 0; at < result.Length; at += Piece) await _packed.WriteAsync(PieceOf(result, at), cancel);
            return;
        }
        for (var at = 0; at < result.Length; at += Piece)
        {
            var size = Math.Min(Piece, result.Length - at);
            result.Data.Slice(at, size).CopyTo(http.BodyWriter.GetSpan(size));
            http.BodyWriter.Advance(size);
            await http.BodyWriter.FlushAsync(cancel);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_packed is not null) await _packed.DisposeAsync();
    }

    private const int Piece = 256 * 1024;

    private static byte[] PieceOf(ChdbResult result, int at) => result.Data.Slice(at, Math.Min(Piece, result.Length - at)).ToArray();
}
