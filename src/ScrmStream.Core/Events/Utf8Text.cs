using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text.Unicode;

namespace ScrmStream.Events;

/// <summary>Whether bytes are UTF-8; quick for the ASCII that events are mostly made of.</summary>
internal static class Utf8Text
{
    private const ulong HighBits = 0x8080_8080_8080_8080;
    private const uint HighBitsOfFour = 0x8080_8080;

    public static bool IsValid(ReadOnlySpan<byte> text) => IsAscii(text) || Utf8.IsValid(text);

    // Words that may overlap cover all of it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsAscii(ReadOnlySpan<byte> text)
    {
        if (text.Length > 16) return IsLongAscii(text);
        if (text.Length >= 8) return ((MemoryMarshal.Read<ulong>(text) | MemoryMarshal.Read<ulong>(text[^8..])) & HighBits) == 0;
        if (text.Length >= 4) return ((MemoryMarshal.Read<uint>(text) | MemoryMarshal.Read<uint>(text[^4..])) & HighBitsOfFour) == 0;
        byte all = 0;
        foreach (var b in text) all |= b;
        return all < 0x80;
    }

    private static bool IsLongAscii(ReadOnlySpan<byte> text)
    {
        ref var first = ref MemoryMarshal.GetReference(text);
        if (text.Length < Vector256<byte>.Count)
        {
            var end = (nuint)(text.Length - Vector128<byte>.Count);
            return (Vector128.LoadUnsafe(ref first) | Vector128.LoadUnsafe(ref first, end)).ExtractMostSignificantBits() == 0;
        }
        var last = text.Length - Vector256<byte>.Count;
        var all = Vector256.LoadUnsafe(ref first, (nuint)last);
        for (var at = 0; at < last; at += Vector256<byte>.Count) all |= Vector256.LoadUnsafe(ref first, (nuint)at);
        return all.ExtractMostSignificantBits() == 0;
    }
}
