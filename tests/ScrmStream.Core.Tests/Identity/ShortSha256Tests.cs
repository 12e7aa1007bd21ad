using System.Security.Cryptography;
using ScrmStream.Identity;
using Xunit;

namespace ScrmStream.Tests.Identity;

public sealed class ShortSha256Tests
{
    /// <summary>Every length around the blocks of 64 bytes and their padding.</summary>
    [Fact]
    public void Hash_AnyLength_IsThatOfTheFramework()
    {
        var bytes = new byte[300];
        new Random(7).NextBytes(bytes);
        Span<byte> hash = stackalloc byte[ShortSha256.HashBytes];
        for (var length = 0; length <= bytes.Length; length++)
        {
            ShortSha256.Hash(bytes.AsSpan(0, length), hash);
            Assert.Equal(SHA256.HashData(bytes.AsSpan(0, length)), hash.ToArray());
        }
    }
}
