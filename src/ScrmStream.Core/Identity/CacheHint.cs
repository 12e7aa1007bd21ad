using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ScrmStream.Identity;

/// <summary>
/// Asks the processor to bring memory into its cache before it is needed: customers lie anywhere in memory, and waiting for one cache
/// line costs as much as folding an event. A hint only: without effect on results, and on other processors none at all.
/// </summary>
public static class CacheHint
{
    private const int LineBytes = 64;

    /// <summary>The first and the last byte, for few structs begin where a line does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Prefetch<T>(ref T place) where T : unmanaged
    {
        if (!Sse.IsSupported) return;
        var address = (byte*)Unsafe.AsPointer(ref place);
        Sse.Prefetch0(address);
        Sse.Prefetch0(address + sizeof(T) - 1);
    }

    /// <summary>As many bytes as given, up to a few lines; the processor goes on by itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Prefetch(ref byte start, int bytes)
    {
        if (!Sse.IsSupported) return;
        var address = (byte*)Unsafe.AsPointer(ref start);
        for (var at = 0; at < bytes && at < 4 * LineBytes; at += LineBytes) Sse.Prefetch0(address + at);
    }
}
