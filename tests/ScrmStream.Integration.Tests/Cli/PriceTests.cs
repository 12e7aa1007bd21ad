using System.Security.Cryptography;
using System.Text;
using ScrmStream.Integration.Kafka;
using ScrmStream.LoadTest.Price;
using Xunit.Abstractions;

namespace ScrmStream.Integration.Cli;

/// <summary><c>./scrm bench price</c> with few events.</summary>
public sealed class PriceTests(Brokers brokers, ITestOutputHelper output) : IClassFixture<Brokers>
{
    /// <summary>A comparison of speeds is void where the two do not come to the same end, or to a wrong one.</summary>
    [ChaosFact(isSlow: true)]
    public async Task Run_WithAndWithoutGuarantees_BothStoreWhatTheGeneratorKnows()
    {
        var options = new PriceOptions
        {
            Events = 20_000, People = 1_000, Pairs = 1, WarmUpEvents = 0, Kafka = brokers.Address(Brokers.Real),
            Program = ["dotnet", typeof(Host.Program).Assembly.Location],
        };
        var rules = ScrmProcess.InCheckout("schemas/rules/examples/reference.yaml");
        var (truth, pairs) = await new PriceRun(options, rules, output.WriteLine).RunAsync(CancellationToken.None);
        using var report = new StringWriter();
        PriceReport.Print(options, truth, pairs, report);
        output.WriteLine(report.ToString());
        Assert.Empty(pairs[0].Guarded.Wrong);
        Assert.Empty(pairs[0].Bare.Wrong);
        Assert.Equal(pairs[0].Guarded.Sample, pairs[0].Bare.Sample);
    }

    /// <summary>The sums are those of the files that the program makes which the other engines are given.</summary>
    [Theory]
    [InlineData(1, "8c19cfdd36c69307d5140e3e78e8b694cb7cacb850811eb97d75e135242c7da3")]
    [InlineData(7, "6b807423dadd6f636f0344b32926a136262a0214742a7c8f19d196f075191f94")]
    public void Next_OneSeed_GivesTheReferenceTopic(int seed, string sum)
    {
        var events = new ReferenceEvents(2_000, seed);
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var i = 0; i < 20_000; i++) digest.AppendData(Encoding.UTF8.GetBytes($"{events.Next().Json}\n"));
        Assert.Equal(sum, Convert.ToHexStringLower(digest.GetHashAndReset()));
    }
}
