using System.Runtime.InteropServices;

namespace ScrmStream.Events;

/// <summary>A fast 64-bit hash of bytes, by 64x64 to 128-bit multiplication. Equal bytes give equal values on every machine.</summary>
public static class Fingerprint
{
    private const ulong K0 = 0x9E3779B97F4A7C15, K1 = 0xD1B54A32D192ED03, K2 = 0x8CB92BA72F3D8DD7;

    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        var hash = K0 ^ Mix((ulong)bytes.Length ^ K1, K2);
        var rest = bytes;
        while (rest.Length >= 16)
        {
            hash = Mix(hash ^ MemoryMarshal.Read<ulong>(rest), MemoryMarshal.Read<ulong>(rest[8..]) ^ K1);
            rest = rest[16..];
        }
        if (rest.Length >= 8)
        {
            hash = Mix(hash ^ MemoryMarshal.Read<ulong>(rest), K2);
            rest = rest[8..];
        }
        return Mix(hash ^ Tail(bytes, rest.Length), K0 ^ (ulong)rest.Length);
    }

    // The last bytes, fewer than eight, as a number: read along with those before them where there are any.
    private static ulong Tail(ReadOnlySpan<byte> bytes, int length)
    {
        if (length == 0) return 0;
        if (bytes.Length >= 8) return MemoryMarshal.Read<ulong>(bytes[^8..]) >> (8 * (8 - length));
        ulong tail = 0;
        for (var i = 0; i < bytes.Length; i++) tail |= (ulong)bytes[i] << (8 * i);
        return tail;
    }

    private static ulong Mix(ulong a, ulong b)
    {
        var high = Math.BigMul(a | 1, b, out var low);
        return high ^ low ^ a;
    }
}
