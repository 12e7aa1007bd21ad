using System.Buffers.Binary;
using System.IO.Compression;
using ZstdSharp;

namespace ScrmStream.Events;

/// <summary>
/// Unpacks gzip and zstd values behind the records of their batch. What a value says it will take is a limit that is held, before the first
/// byte and while it is unpacked, so a small record never becomes a large one. One per decode lane; not thread safe.
/// </summary>
public sealed class PackedValue(int bytesMax) : IDisposable
{
    private const int GzipBytesMin = 18;
    private Decompressor? _zstd;

    public static bool IsGzip(ReadOnlySpan<byte> value) => value.StartsWith<byte>([0x1f, 0x8b]);

    public static bool IsZstd(ReadOnlySpan<byte> value) => value.StartsWith<byte>([0x28, 0xb5, 0x2f, 0xfd]);

    public static bool IsPacked(ReadOnlySpan<byte> value) =>
        value.Length >= 4 && value[0] is 0x1f or 0x28 && (IsGzip(value) || IsZstd(value));

    /// <summary>
    /// What the value says it takes unpacked, or for zstd that does not say, what it can take at most; 0 when it is broken.
    /// </summary>
    public static long BytesMax(ReadOnlySpan<byte> value)
    {
        if (IsGzip(value)) return value.Length < GzipBytesMin ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(value[^4..]);
        try
        {
            return (long)Math.Min(Decompressor.GetDecompressedSize(value), long.MaxValue / 2);
        }
        catch (ZstdException)
        {
            return 0;
        }
    }

    /// <summary>Unpacks a value of the batch's buffer.</summary>
    /// <param name="unpacked">Where it lies; meaningless when something is wrong.</param>
    /// <returns>What is wrong with it; null: nothing.</returns>
    internal (RejectReason, string)? Unpack(RecordBatch records, TextRange packed, RecordPacking packing, out TextRange unpacked)
    {
        unpacked = packed;
        var value = packed.In(records.Buffer);
        if (packing == RecordPacking.Gzip ? !IsGzip(value) : !IsZstd(value)) return NotWhole(packing);
        var bytes = BytesMax(value);
        if (packing == RecordPacking.Gzip && bytes > bytesMax) return TooLarge(bytes);
        var room = (int)Math.Min(bytes, bytesMax);
        var start = records.Reserve(room);
        var buffer = records.Buffer;
        var length = packing == RecordPacking.Gzip ? Gunzip(buffer, packed, start, room) : Unzstd(buffer, packed, start, room);
        records.Return(room - Math.Max(length, 0));
        unpacked = new TextRange(start, length);
        if (length >= 0) return null;
        return bytes > bytesMax ? TooLarge(bytes) : NotWhole(packing);
    }

    public void Dispose() => _zstd?.Dispose();

    private (RejectReason, string) TooLarge(long bytes) => (RejectReason.TooLarge, $"{bytes} bytes unpacked, limit {bytesMax}");

    private static (RejectReason, string) NotWhole(RecordPacking packing) => (RejectReason.NotDecodable,
        $"the {packing.ToString().ToLowerInvariant()} value is damaged, cut off, or holds more than it says");

    // One member whose length stands at its end; it has to be that length. Several members would say only what the last one takes.
    private static int Gunzip(byte[] buffer, TextRange packed, int start, int room)
    {
        try
        {
            using var source = new MemoryStream(buffer, packed.Start, packed.Length, writable: false);
            using var gzip = new GZipStream(source, CompressionMode.Decompress);
            var read = gzip.ReadAtLeast(buffer.AsSpan(start, room), room, throwOnEndOfStream: false);
            return read == room && gzip.ReadByte() < 0 ? read : -1;
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            return -1;
        }
    }

    private int Unzstd(byte[] buffer, TextRange packed, int start, int room)
    {
        _zstd ??= new Decompressor();
        try
        {
            return _zstd.TryUnwrap(packed.In(buffer), buffer.AsSpan(start, room), out var written) ? written : -1;
        }
        catch (ZstdException)
        {
            return -1;
        }
    }
}
