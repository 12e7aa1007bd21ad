using System.Runtime.InteropServices;
using System.Text.Unicode;

namespace ScrmStream.Events.Avro;

/// <summary>Whether bytes are UTF-8; quick for the short ASCII texts that events are made of.</summary>
internal static class Utf8Text
{
    private const ulong HighBits = 0x8080_8080_8080_8080;

    public static bool IsValid(ReadOnlySpan<byte> text)
    {
        if (text.Length is >= 8 and <= 16)
        {
            // Two words that may overlap cover all of it.
            var both = MemoryMarshal.Read<ulong>(text) | MemoryMarshal.Read<ulong>(text[^8..]);
            return (both & HighBits) == 0 || Utf8.IsValid(text);
        }
        if (text.Length > 16) return Utf8.IsValid(text);
        byte all = 0;
        foreach (var b in text) all |= b;
        return all < 0x80 || Utf8.IsValid(text);
    }
}
