namespace ScrmStream.Pipeline.Files;

/// <summary>The CRC-32 of zip and PNG, which Avro puts behind a snappy block.</summary>
internal static class Crc32
{
    private const uint Polynomial = 0xedb88320;
    private static readonly uint[] Table = MakeTable();

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes) crc = (crc >> 8) ^ Table[(crc ^ b) & 0xff];
        return ~crc;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (var i = 0u; i < table.Length; i++)
        {
            var entry = i;
            for (var bit = 0; bit < 8; bit++) entry = (entry >> 1) ^ (Polynomial & (0 - (entry & 1)));
            table[i] = entry;
        }
        return table;
    }
}
