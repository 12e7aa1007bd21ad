using ScrmStream.Integration.Kafka;
using ScrmStream.LoadTest.Chaos;
using Xunit.Abstractions;

namespace ScrmStream.Integration.Cli;

/// <summary><c>./scrm bench chaos</c> with few faults.</summary>
public sealed class ChaosTests(Brokers brokers, ITestOutputHelper output) : IClassFixture<Brokers>
{
    [ChaosFact]
    public Task Run_KilledFiveTimes_EveryStoreHoldsWhatAReplayFinds() =>
        AssertExactAsync(new ChaosOptions { Kills = 5, Events = 12_000, Seed = 7, IsScattered = true });

    [ChaosFact(isSlow: true)]
    public Task Run_KilledFrozenAndRestarted_EveryStoreHoldsWhatAReplayFinds() =>
        AssertExactAsync(new ChaosOptions { Kills = 30, Zombies = 5, Restarts = 3, Events = 100_000, Seed = 7, IsScattered = true });

    /// <summary>
    /// The audit is only worth something if it finds what is lost. The first of Redis's ends may come before anything is committed, and then
    /// all is read again; not the last.
    /// </summary>
    [ChaosFact(isSlow: true)]
    public async Task Run_RedisForgets_IsFound()
    {
        var result = await RunAsync(new ChaosOptions { Kills = 0, Restarts = 3, Events = 60_000, Seed = 1, IsRedisForgetful = true });
        Assert.False(result.Findings.IsExact);
        Assert.True(result.Findings.Lost > 100, $"only {result.Findings.Lost} lost");
    }

    private async Task AssertExactAsync(ChaosOptions options)
    {
        var result = await RunAsync(options);
        Assert.True(result.Findings.IsExact, string.Join('\n', result.Findings.Examples));
        // One that starts while a server is away says so and ends; a supervisor starts it again, as here. And one that is told to end while it
        // starts says just that.
        Assert.DoesNotContain(result.Failures, f =>
            !f.Contains("ended with 3:", StringComparison.Ordinal) && !f.EndsWith("scrmstream: stopped", StringComparison.Ordinal));
        // Who was frozen may store anything once more; who is killed only what was on its way, should that arrive after the next one's look.
        if (options.Zombies == 0)
            Assert.True(result.Findings.PhysicalRepeats < options.Events / 20, $"{result.Findings.PhysicalRepeats} rows are stored twice");
        Assert.True(result.Truth.Events.Count > options.Events * 9 / 10, $"only {result.Truth.Events.Count} events");
    }

    private async Task<ChaosResult> RunAsync(ChaosOptions options)
    {
        var rules = ScrmProcess.InCheckout("schemas/rules/examples/petshop.yaml");
        options = options with { Kafka = brokers.Address(Brokers.Real), Program = ["dotnet", typeof(Host.Program).Assembly.Location] };
        var result = await new ChaosRun(options, rules, output.WriteLine).RunAsync(CancellationToken.None);
        using var report = new StringWriter();
        ChaosReport.Print(options, result, report);
        output.WriteLine(report.ToString());
        return result;
    }
}

/// <summary>Needs a real broker, Redis and ClickHouse.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ChaosFactAttribute : FactAttribute
{
    public ChaosFactAttribute(bool isSlow = false) =>
        Skip = new RealKafkaFactAttribute(isSlow).Skip ?? new LocalServersFactAttribute().Skip;
}
