using System.Buffers.Binary;

namespace ScrmStream.Pipeline;

/// <summary>The bytes of a version vector: 24 an entry, id (16, big endian) and version number (8, big endian), in order of id.</summary>
public static class VersionVector
{
    public const int EntryBytes = 24;

    public static void WriteEntry(Span<byte> vector, int i, UInt128 id, ulong version)
    {
        BinaryPrimitives.WriteUInt128BigEndian(vector[(i * EntryBytes)..], id);
        BinaryPrimitives.WriteUInt64BigEndian(vector[(i * EntryBytes + 16)..], version);
    }
}
