using System.Security.Cryptography;
using System.Text;
using ScrmStream.Identity;
using ScrmStream.Redis;

namespace ScrmStream.LoadTest.Price;

/// <summary>What a run stored, against what the generator knows.</summary>
internal sealed class PriceCheck
{
    private const int SampleMax = 1_000;

    /// <summary>What is not as it should be, in words.</summary>
    public required IReadOnlyList<string> Wrong { get; init; }

    /// <summary>A digest of what some customers look like to a reader; the same for all runs over the same events.</summary>
    public required string Sample { get; init; }

    public static async Task<PriceCheck> OfAsync(PricedJob job, ReferenceTruth truth, int people, CancellationToken cancel)
    {
        var check = new TruthCheck(truth);
        check.Pipeline(job.Pipeline);
        check.Stored("Redis", await new RedisViewStore(job.Connected.Redis).CountAsync(cancel));
        await check.TablesAsync(job.Connected.ClickHouse, cancel);
        return new PriceCheck { Wrong = check.Wrong, Sample = await SampleAsync(new RedisReader(job.Connected.Redis), people, cancel) };
    }

    private static async Task<string> SampleAsync(RedisReader reader, int people, CancellationToken cancel)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var person = 0; person < Math.Min(people, SampleMax); person++)
        {
            var id = IdentifierId.Of(Encoding.UTF8.GetBytes($"unionid:open-platform-1:u-{person}"));
            if (await reader.ReadViewAsync(id, cancel) is not { } view) continue;
            var fields = view.Fields.Concat(view.Tags).Concat(view.TagExpiry.Select(e => KeyValuePair.Create(e.Key, $"{e.Value}")));
            var text = string.Join(' ', fields.Select(f => $"{f.Key}={f.Value}").Order(StringComparer.Ordinal));
            digest.AppendData(Encoding.UTF8.GetBytes($"{view.Customer} {text}\n"));
        }
        return Convert.ToHexStringLower(digest.GetHashAndReset())[..16];
    }
}
