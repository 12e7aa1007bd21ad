using System.Buffers.Binary;
using ScrmStream.Events;
using Xunit;

namespace ScrmStream.Tests.Events;

public sealed class FingerprintTests
{
    private const ulong K0 = 0x9E3779B97F4A7C15, K1 = 0xD1B54A32D192ED03, K2 = 0x8CB92BA72F3D8DD7;

    /// <summary>Fingerprints are stored in cells, so their values must stay: of every length, against the same written byte by byte.</summary>
    [Fact]
    public void Of_AnyLength_IsWhatItAlwaysWas()
    {
        var random = new Random(1);
        for (var length = 0; length <= 100; length++)
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            Assert.Equal(Slow(bytes), Fingerprint.Of(bytes));
        }
    }

    private static ulong Slow(ReadOnlySpan<byte> bytes)
    {
        var hash = K0 ^ Mix((ulong)bytes.Length ^ K1, K2);
        for (; bytes.Length >= 16; bytes = bytes[16..]) hash = Mix(hash ^ Number(bytes[..8]), Number(bytes[8..16]) ^ K1);
        if (bytes.Length >= 8)
        {
            hash = Mix(hash ^ Number(bytes[..8]), K2);
            bytes = bytes[8..];
        }
        return Mix(hash ^ Number(bytes), K0 ^ (ulong)bytes.Length);
    }

    private static ulong Number(ReadOnlySpan<byte> bytes)
    {
        Span<byte> all = stackalloc byte[8];
        bytes.CopyTo(all);
        return BinaryPrimitives.ReadUInt64LittleEndian(all);
    }

    private static ulong Mix(ulong a, ulong b)
    {
        var product = (UInt128)(a | 1) * b;
        return (ulong)(product >> 64) ^ (ulong)product ^ a;
    }
}
