using System.Buffers.Binary;

namespace ScrmStream.Pipeline.Files;

/// <summary>Tells whether a gzip file was read to its real end: the runtime takes one that was cut off for a shorter one.</summary>
internal static class GzipEnd
{
    private const int HeaderBytes = 10;
    private const int MemberBytesMin = 18;
    private const int ReadBytes = 64 * 1024;

    /// <summary>
    /// The last four bytes say how long the text is. Where they do not agree, the file was cut off, unless several gzip files were put
    /// one behind the other: then they speak of the last one only, and the file is given the benefit of the doubt.
    /// </summary>
    public static bool IsWhole(string path, long unpackedBytes)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        if (file.Length < MemberBytesMin) return false;
        Span<byte> size = stackalloc byte[4];
        file.Seek(-4, SeekOrigin.End);
        file.ReadExactly(size);
        return BinaryPrimitives.ReadUInt32LittleEndian(size) == (uint)unpackedBytes || HasSecondMember(file);
    }

    // Packed bytes look like a member's header by chance once in some hundred gigabytes.
    private static bool HasSecondMember(FileStream file)
    {
        var buffer = new byte[ReadBytes];
        file.Seek(1, SeekOrigin.Begin);
        var length = 0;
        while (true)
        {
            var read = file.Read(buffer.AsSpan(length));
            if (read == 0) return false;
            length += read;
            for (var i = 0; i + HeaderBytes <= length; i++)
            {
                if (buffer[i] == 0x1F && IsHeader(buffer.AsSpan(i, HeaderBytes))) return true;
            }
            // A header may lie across two reads.
            var kept = Math.Min(length, HeaderBytes - 1);
            buffer.AsSpan(length - kept, kept).CopyTo(buffer);
            length = kept;
        }
    }

    private static bool IsHeader(ReadOnlySpan<byte> bytes) =>
        bytes is [0x1F, 0x8B, 8, <= 0x1F, _, _, _, _, 0 or 2 or 4, <= 13 or 255];
}
