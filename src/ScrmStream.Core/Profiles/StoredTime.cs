using System.Buffers.Binary;

namespace ScrmStream.Profiles;

/// <summary>Event times in aggregates: signed milliseconds in six bytes, little endian; times outside are clamped.</summary>
internal static class StoredTime
{
    public const int Bytes = 6;
    private const long Limit = 1L << 47;

    public static long Clamp(long timeMs) => Math.Clamp(timeMs, -Limit, Limit - 1);

    public static long Read(ReadOnlySpan<byte> at) =>
        (long)BinaryPrimitives.ReadInt16LittleEndian(at[4..]) << 32 | BinaryPrimitives.ReadUInt32LittleEndian(at);

    public static void Write(Span<byte> at, long timeMs)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(at, (uint)timeMs);
        BinaryPrimitives.WriteInt16LittleEndian(at[4..], (short)(timeMs >> 32));
    }
}
