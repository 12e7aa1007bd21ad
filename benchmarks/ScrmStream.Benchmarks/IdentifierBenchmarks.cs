using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using ScrmStream.Identity;

namespace ScrmStream.Benchmarks;

/// <summary>The id of an identifier that is met for the first time: our way to SHA-256 beside the framework's, of one text of 44 bytes.</summary>
public class IdentifierBenchmarks
{
    private readonly byte[] _text = "openid:wx-official-petshop:oOfficial-lin-xia"u8.ToArray();
    private readonly byte[] _hash = new byte[SHA256.HashSizeInBytes];

    [GlobalSetup]
    public void Prepare()
    {
        if (IdentifierId.Of(_text).ToString() != Convert.ToHexStringLower(SHA256.HashData(_text))[..32])
            throw new InvalidOperationException("The ids differ.");
    }

    [Benchmark(Baseline = true)]
    public int Framework() => SHA256.HashData(_text, _hash);

    [Benchmark]
    public IdentifierId Id() => IdentifierId.Of(_text);
}
