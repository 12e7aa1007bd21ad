using System.Runtime.InteropServices;

namespace ScrmStream.Events;

/// <summary>A fast 64-bit hash of bytes, by 64x64 to 128-bit multiplication. Equal bytes give equal values on every machine.</summary>
public static class Fingerprint
{
    private const ulong K0 = 0x9E3779B97F4A7C15, K1 = 0xD1B54A32D192ED03, K2 = 0x8CB92BA72F3D8DD7;

    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        var hash = K0 ^ Mix((ulong)bytes.Length ^ K1, K2);
        while (bytes.Length >= 16)
        {
            hash = Mix(hash ^ MemoryMarshal.Read<ulong>(bytes), MemoryMarshal.Read<ulong>(bytes[8..]) ^ K1);
            bytes = bytes[16..];
        }
        if (bytes.Length >= 8)
        {
            hash = Mix(hash ^ MemoryMarshal.Read<ulong>(bytes), K2);
            bytes = bytes[8..];
        }
        ulong tail = 0;
        for (var i = 0; i < bytes.Length; i++) tail |= (ulong)bytes[i] << (8 * i);
        return Mix(hash ^ tail, K0 ^ (ulong)bytes.Length);
    }

    private static ulong Mix(ulong a, ulong b)
    {
        var high = Math.BigMul(a | 1, b, out var low);
        return high ^ low ^ a;
    }
}
