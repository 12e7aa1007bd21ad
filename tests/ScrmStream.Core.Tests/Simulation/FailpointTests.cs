using System.Runtime.CompilerServices;
using ScrmStream.Diagnostics;
using ScrmStream.TestKit;
using Xunit.Abstractions;

namespace ScrmStream.Tests.Simulation;

/// <summary>
/// At every failpoint of the pipeline a process is killed, ends with an error, or stands still, in worlds where everything else goes wrong
/// too; each so many times. Those of the adapters fail over real servers, in the integration tests.
/// </summary>
public sealed class FailpointTests(ITestOutputHelper output)
{
    private const int WorldsMax = 600;

    public static TheoryData<string> Points =>
        [.. Enum.GetValues<Failpoint>().Where(p => p < Failpoint.RedisBefore).Select(p => p.ToString())];

    // Before any code asks whether failpoints are on.
    [ModuleInitializer]
    internal static void TurnOn() => Environment.SetEnvironmentVariable(Failpoints.Variable, "none");

    [Theory]
    [MemberData(nameof(Points))]
    public void Run_APointFails_EndsAsTheSlowModelSays(string point)
    {
        var (failed, passed, seed) = (0, 0, 0);
        var wanted = Seeds.IsFull ? 50 : 3;
        for (; seed < WorldsMax && failed < wanted; seed++)
        {
            var failure = new SimulatedFailure(Enum.Parse<Failpoint>(point), (FailureKind)(failed % 3), At: 1 + seed % 5);
            new SimulatedCluster(seed, SimulatedWork.Of(seed), failure: failure).Run();
            passed += failure.Passed;
            if (failure.HasFailed) failed++;
        }
        output.WriteLine($"{Failpoints.NameOf(Enum.Parse<Failpoint>(point))}: failed in {failed} of {seed} worlds, passed {passed} times");
        Assert.True(failed == wanted, $"{point} was reached in {failed} worlds of {seed} only");
    }

    [Fact]
    public void PassAsync_WithoutAPlan_AllocatesNothing()
    {
        // The least of some rounds: while a method is compiled anew, the round that meets it allocates a little once.
        var least = Enumerable.Range(0, 5).Min(_ =>
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Pass(100_000);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        });
        Assert.Equal(0, least);

        static void Pass(int times)
        {
            for (var i = 0; i < times; i++)
            {
                Failpoints.PassAsync(Failpoint.FoldAfter).GetAwaiter().GetResult();
                Failpoints.Pass(Failpoint.OffsetsBefore);
            }
        }
    }

    [Theory]
    [InlineData("store-after=kill@2;redis-before=throw;rows-before=delay:200@3", true)]
    [InlineData("none", true)]
    [InlineData("store-after=explode", false)]
    [InlineData("nowhere=kill", false)]
    [InlineData("store-after=kill@0", false)]
    [InlineData("store-after=delay", false)]
    public void Parse_AnOrder_IsTakenOrRefusedWithThePoints(string text, bool isRight)
    {
        if (isRight) Assert.Contains("store-after 0", OrderedFailures.Parse(text).Coverage(), StringComparison.Ordinal);
        else Assert.Contains("letters-between", Assert.Throws<ArgumentException>(() => OrderedFailures.Parse(text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PassAsync_TheOrderedTime_Throws()
    {
        var plan = OrderedFailures.Parse("insert-after=throw@2");
        await plan.PassAsync(Failpoint.InsertAfter);
        await plan.PassAsync(Failpoint.InsertBefore);
        Assert.Contains("insert-after", (await Assert.ThrowsAsync<IOException>(() => plan.PassAsync(Failpoint.InsertAfter).AsTask())).Message);
        await plan.PassAsync(Failpoint.InsertAfter);
    }
}
