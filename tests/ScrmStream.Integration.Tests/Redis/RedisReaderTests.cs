using System.Text;
using ScrmStream.Pipeline;
using ScrmStream.Redis;
using ScrmStream.TestKit.Conformance;
using static ScrmStream.TestKit.Conformance.StoreSamples;

namespace ScrmStream.Integration.Redis;

[Collection("redis")]
[NeedsPrograms("redis-server")]
public sealed class RedisReaderTests(RedisServerFixture redis)
{
    private const double HalfLifeMs = 1_209_600_000;
    private const long At = 1_700_000_000_000;

    [StoreFact]
    public async Task ReadView_MergedIdentifier_IsTheCustomer()
    {
        var connection = await redis.OpenAsync();
        await new RedisViewStore(connection).PublishAsync(
            Customer(Id("root"), 1),
            new ViewSample(Id("merged"), 2) { Form = ViewForm.Merged, MergedInto = Id("root"), Vector = [(Id("root"), 1)] },
            new ViewSample(Id("nobody's"), 3) { Form = ViewForm.Empty, Vector = [(Id("root"), 1)] });
        var reader = new RedisReader(connection);
        foreach (var name in new[] { "root", "merged" })
        {
            var customer = (await reader.ReadViewAsync(Id(name), CancellationToken.None))!;
            Assert.Equal(Id("root"), customer.Customer);
            Assert.Equal(["channels", "events", "first_seen", "score.intent"], customer.Fields.Keys.Order());
            Assert.Equal("active", customer.Tags["lifecycle"]);
            Assert.Equal(1_700_000_900_000, customer.TagExpiry["lifecycle"]);
        }
        Assert.Null(await reader.ReadViewAsync(Id("nobody's"), CancellationToken.None));
        Assert.Null(await reader.ReadViewAsync(Id("unknown"), CancellationToken.None));
    }

    [StoreTheory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(250)]
    [InlineData(1000)]
    public async Task Leaders_ManyCustomers_AreTheBestInOrder(int count)
    {
        var connection = await redis.OpenAsync();
        var random = new Random(5);
        var scores = Enumerable.Range(0, 300).ToDictionary(i => Id($"leader:{i}"), _ => 0.001 + random.NextDouble() * 100);
        await new RedisViewStore(connection).PublishAsync([.. scores.Select(s => Board(s.Key, s.Value))]);

        var expected = scores.OrderByDescending(s => s.Value).Take(count).ToArray();
        var leaders = await new RedisReader(connection).LeadersAsync("intent", count, At, CancellationToken.None);
        Assert.Equal(expected.Select(s => s.Key), leaders.Select(l => l.Customer));
        for (var i = 0; i < leaders.Count; i++) Assert.Equal(expected[i].Value, leaders[i].Score, expected[i].Value * 1e-8);
        var later = await new RedisReader(connection).LeadersAsync("intent", 1, At + (long)HalfLifeMs, CancellationToken.None);
        Assert.Equal(expected[0].Value / 2, later[0].Score, 1e-6);
    }

    [StoreFact]
    public async Task Leaders_AllInOneBucket_AreFoundThere()
    {
        var connection = await redis.OpenAsync();
        var first = Id("bucket").Value & ~((UInt128.One << 100) - 1);
        var scores = Enumerable.Range(1, 200).ToDictionary(i => new Identity.IdentifierId(first + (UInt128)i), i => (double)i);
        await new RedisViewStore(connection).PublishAsync([.. scores.Select(s => Board(s.Key, s.Value))]);
        var leaders = await new RedisReader(connection).LeadersAsync("intent", 150, At, CancellationToken.None);
        Assert.Equal(Enumerable.Range(51, 150).Reverse().Select(i => (double)i), leaders.Select(l => Math.Round(l.Score, 4)));
    }

    private static ViewSample Board(Identity.IdentifierId id, double score) => Customer(id, 1) with
    {
        Fields = new() { ["events"] = "1", ["score.intent.half_life"] = $"{HalfLifeMs}" },
        Ranks = new() { ["intent"] = (Math.Log2(score) * HalfLifeMs + At).ToString("F2") },
    };
}

public sealed class Crc64Tests
{
    [Fact]
    public void Of_CheckString_IsThePublishedValue() => Assert.Equal(0xe9c6d914c4b8d9caUL, Crc64.Of("123456789"u8));

    [Fact]
    public void Of_AnyLength_EqualsBitByBit()
    {
        var bytes = new byte[100];
        new Random(3).NextBytes(bytes);
        for (var length = 0; length <= bytes.Length; length++)
        {
            var crc = 0UL;
            foreach (var b in bytes.AsSpan(0, length))
            {
                crc ^= b;
                for (var bit = 0; bit < 8; bit++) crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0x95ac9329ac4bc9b5;
            }
            Assert.Equal(crc, Crc64.Of(bytes.AsSpan(0, length)));
        }
    }
}

public sealed class RedisOptionsTests
{
    [Theory]
    [InlineData("cells")]
    [InlineData("meta")]
    [InlineData("A")]
    [InlineData("a:b")]
    [InlineData("a{b")]
    public void Validate_NamespaceThatCouldMeetOtherKeys_IsRefused(string name) =>
        Assert.Contains("--namespace", Assert.Single(new RedisOptions { Namespace = name }.Validate()));

    [Fact]
    public void Validate_Defaults_AreValid() => Assert.Empty(new RedisOptions().Validate());

    [Fact]
    public void Validate_OutOfRange_NamesTheSettings()
    {
        var wrong = new RedisOptions { Address = " ", KeysPerCall = 0, CallsInFlight = 100, RetryDelayMaxMs = 10 }.Validate();
        Assert.Equal(4, wrong.Count);
        Assert.Contains(wrong, w => w.StartsWith("Redis:KeysPerCall is 0", StringComparison.Ordinal));
    }

    [Fact]
    public void Keys_OfANamespace_AreThoseOfTheContract()
    {
        var id = Id("openid:wx1:a");
        var b = id.ToString()[..3];
        Assert.Equal($"scrm:{{{b}}}:{id}", new RedisKeys().View(id));
        Assert.Equal($"scrm:{{{b}}}:{id}:tags", new RedisKeys().Tags(id));
        Assert.Equal($"scrm:n1:cells:{{{b}}}", new RedisKeys("n1").Cells(id.Bucket));
        Assert.Equal($"scrm:n1:leads:intent:{{{b}}}", new RedisKeys("n1").Board(Encoding.UTF8.GetBytes("intent"), id.Bucket));
    }
}
