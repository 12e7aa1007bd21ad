using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ScrmStream.Identity;

/// <summary>
/// SHA-256 (FIPS 180-4) of short texts, by the functions of OpenSSL that keep their state with the caller: <see cref="SHA256"/> makes and
/// frees objects in the same library for each hash, which takes ten times as long as the hash ("./scrm bench micro *Identifier*"). Where
/// the library is not there, it is <see cref="SHA256"/>. From any thread.
/// </summary>
internal static unsafe class ShortSha256
{
    public const int HashBytes = 32;

    // SHA256_CTX of openssl/sha.h has 112.
    private const int StateBytes = 128;

    private static readonly delegate* unmanaged[SuppressGCTransition]<byte*, int> Init;
    private static readonly delegate* unmanaged[SuppressGCTransition]<byte*, byte*, nuint, int> Update;
    private static readonly delegate* unmanaged[SuppressGCTransition]<byte*, byte*, int> Final;

    static ShortSha256()
    {
        if (!NativeLibrary.TryLoad("libcrypto.so.3", out var library) || !NativeLibrary.TryGetExport(library, "SHA256_Init", out var init)
            || !NativeLibrary.TryGetExport(library, "SHA256_Update", out var update)
            || !NativeLibrary.TryGetExport(library, "SHA256_Final", out var final)) return;
        Init = (delegate* unmanaged[SuppressGCTransition]<byte*, int>)init;
        Update = (delegate* unmanaged[SuppressGCTransition]<byte*, byte*, nuint, int>)update;
        Final = (delegate* unmanaged[SuppressGCTransition]<byte*, byte*, int>)final;
    }

    /// <summary>Writes the 32 bytes of the hash. The garbage collector waits meanwhile, so texts are of some kilobytes at most.</summary>
    public static void Hash(ReadOnlySpan<byte> text, Span<byte> hash)
    {
        if (Final is null)
        {
            SHA256.HashData(text, hash);
            return;
        }
        ArgumentOutOfRangeException.ThrowIfLessThan(hash.Length, HashBytes);
        var state = stackalloc byte[StateBytes];
        fixed (byte* from = text, to = hash)
        {
            _ = Init(state);
            _ = Update(state, from, (nuint)text.Length);
            _ = Final(to, state);
        }
    }
}
