using ScrmStream.Pipeline;

namespace ScrmStream.Tests.Pipeline;

public sealed class ConflictBackOffTests
{
    private static readonly TimeSpan Attempt = TimeSpan.FromMilliseconds(100);

    [Theory]
    [InlineData(1, 100)]
    [InlineData(3, 400)]
    [InlineData(5, 1600)]
    [InlineData(50, 1600)]
    public void Next_SomeConflictsInARow_StaysWithinTheSpanAndUsesAllOfIt(int conflicts, int spanMs)
    {
        var backOff = new ConflictBackOff(7);
        var waits = Enumerable.Range(0, 1000).Select(_ => backOff.Next(conflicts, Attempt).TotalMilliseconds).ToList();
        Assert.All(waits, w => Assert.InRange(w, 0, spanMs));
        Assert.InRange(waits.Average(), spanMs * 0.45, spanMs * 0.55);
        Assert.True(waits.Min() < spanMs * 0.02 && waits.Max() > spanMs * 0.98);
    }

    [Fact]
    public void Next_LongAttempt_IsBounded() =>
        Assert.InRange(new ConflictBackOff(7).Next(9, TimeSpan.FromHours(1)), TimeSpan.Zero, TimeSpan.FromSeconds(30));

    [Fact]
    public void Next_TwoProcesses_DoNotWaitAlike() =>
        Assert.NotEqual(new ConflictBackOff(1).Next(4, Attempt), new ConflictBackOff(2).Next(4, Attempt));
}
