using System.Buffers.Binary;

namespace ScrmStream.Redis;

/// <summary>The checksum at the end of what <c>RESTORE</c> takes: CRC-64/Jones, reflected, start value 0.</summary>
internal static class Crc64
{
    private const ulong Polynomial = 0x95ac9329ac4bc9b5;
    private static readonly ulong[] Table = Build();

    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        var crc = 0UL;
        var table = Table;
        // Eight bytes a step: one look-up per byte in the table of its distance from the end of the step.
        while (bytes.Length >= 8)
        {
            crc ^= BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            crc = table[7 * 256 + (byte)crc] ^ table[6 * 256 + (byte)(crc >> 8)]
                ^ table[5 * 256 + (byte)(crc >> 16)] ^ table[4 * 256 + (byte)(crc >> 24)]
                ^ table[3 * 256 + (byte)(crc >> 32)] ^ table[2 * 256 + (byte)(crc >> 40)]
                ^ table[256 + (byte)(crc >> 48)] ^ table[(byte)(crc >> 56)];
            bytes = bytes[8..];
        }
        foreach (var b in bytes) crc = table[(byte)crc ^ b] ^ (crc >> 8);
        return crc;
    }

    private static ulong[] Build()
    {
        var table = new ulong[8 * 256];
        for (var i = 0; i < 256; i++)
        {
            var crc = (ulong)i;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ Polynomial;
            table[i] = crc;
        }
        for (var i = 256; i < table.Length; i++) table[i] = table[(byte)table[i - 256]] ^ (table[i - 256] >> 8);
        return table;
    }
}
