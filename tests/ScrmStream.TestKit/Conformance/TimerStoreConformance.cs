using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Timers;
using static ScrmStream.TestKit.Conformance.StoreSamples;

namespace ScrmStream.TestKit.Conformance;

/// <summary>What every <see cref="ITimerStore"/> does beside its <see cref="IViewStore"/>. Each test opens stores that hold nothing.</summary>
public abstract class TimerStoreConformance
{
    private const long Noon = 1_760_000_000_000;

    // Two of one bucket, and one of another.
    private static readonly IdentifierId A = Id("openid:wx1:a"), B = new(A.Value + 1), C = new(A.Value ^ ((UInt128)1 << 120));

    protected abstract Task<(IViewStore Views, ITimerStore Timers)> OpenAsync();

    [StoreFact]
    public async Task Due_OfPublishedViews_GivesThoseWhoseTimeIsReached()
    {
        var (views, timers) = await OpenAsync();
        await views.PublishAsync(Timed(A, 1, Noon + 5), Timed(B, 1, Noon + 9), Timed(C, 1, Noon + 7));
        Assert.Equal(("", $"{Noon + 5} {Noon + 7}"), await DueAsync(timers, Noon + 4));
        Assert.Equal(($"{A}@5", $"{Noon + 9} {Noon + 7}"), await DueAsync(timers, Noon + 5));
        Assert.Equal(($"{A}@5 {C}@7", $"{Noon + 9} never"), await DueAsync(timers, Noon + 8));
        Assert.Equal(($"{A}@5 {C}@7", $"{Noon + 9} never"), await DueAsync(timers, Noon + 10, perBucketMax: 1));
        Assert.Equal(($"{A}@5 {B}@9 {C}@7", "never never"), await DueAsync(timers, Noon + 10));
    }

    [StoreFact]
    public async Task Due_OfViewsPublishedAgain_GivesTheLastTimeOrNone()
    {
        var (views, timers) = await OpenAsync();
        await views.PublishAsync(Timed(A, 1, Noon + 5), Timed(B, 1, Noon + 5), Timed(C, 1, Noon + 5));
        await views.PublishAsync(
            Timed(A, 2, Noon + 50, version: 2) with { ExpectedStamp = 1 }, Timed(B, 2, null, version: 2) with { ExpectedStamp = 1 });
        Assert.Equal(($"{C}@5", $"{Noon + 50} never"), await DueAsync(timers, Noon + 9));
        // A customer that is none any more has no timer either, whatever the writer had seen of it.
        await views.PublishAsync(
            Timed(A, 3, null, version: 3) with { Form = ViewForm.Merged, MergedInto = C, ExpectedStamp = 2 },
            Timed(C, 3, null, version: 3) with { Form = ViewForm.Empty, ExpectedStamp = 77 });
        Assert.Equal(("", "never never"), await DueAsync(timers, Noon + 100));
    }

    [StoreFact]
    public async Task Due_OfARefusedView_KeepsTheTimeOfTheOneThatStands()
    {
        var (views, timers) = await OpenAsync();
        await views.PublishAsync(Timed(A, 1, Noon + 5, version: 7));
        Assert.Equal([0], await views.PublishAsync(Timed(A, 2, Noon + 1, version: 6) with { ExpectedStamp = 1 }));
        Assert.Equal(("", $"{Noon + 5} never"), await DueAsync(timers, Noon + 4));
    }

    [StoreFact]
    public async Task Advance_OneProcess_FollowsItAndNeverGoesBack()
    {
        var (_, timers) = await OpenAsync();
        Assert.Equal(long.MinValue, await SayAsync(timers, 1, WatermarkState.None, 0));
        Assert.Equal(long.MinValue, await SayAsync(timers, 1, WatermarkState.Holding, 0));
        Assert.Equal(Noon, await SayAsync(timers, 1, WatermarkState.Active, Noon));
        Assert.Equal(Noon, await SayAsync(timers, 1, WatermarkState.Active, Noon - 5));
        Assert.Equal(Noon + 8, await SayAsync(timers, 1, WatermarkState.Idle, Noon + 8));
        Assert.Equal(Noon + 8, await SayAsync(timers, 1, WatermarkState.None, 0));
        // A process that begins finds it.
        Assert.Equal(Noon + 8, await SayAsync(timers, 2, WatermarkState.Holding, 0));
    }

    [StoreFact]
    public async Task Advance_SeveralProcesses_IsTheLeastOfTheActive()
    {
        var (_, timers) = await OpenAsync();
        await SayAsync(timers, 1, WatermarkState.Active, Noon);
        Assert.Equal(Noon, await SayAsync(timers, 2, WatermarkState.Active, Noon + 90));
        Assert.Equal(Noon + 40, await SayAsync(timers, 1, WatermarkState.Active, Noon + 40));
        Assert.Equal(Noon + 90, await SayAsync(timers, 1, WatermarkState.Idle, Noon + 500));
        // Who does not know holds all, and who is gone nobody.
        Assert.Equal(Noon + 90, await SayAsync(timers, 3, WatermarkState.Holding, 0));
        Assert.Equal(Noon + 90, await SayAsync(timers, 2, WatermarkState.Active, Noon + 200));
        Assert.Equal(Noon + 200, await SayAsync(timers, 3, WatermarkState.None, 0));
        Assert.Equal(Noon + 500, await SayAsync(timers, 2, WatermarkState.Idle, Noon + 210));
        Assert.Equal(Noon + 900, await SayAsync(timers, 2, WatermarkState.Final, 0, greatestMs: Noon + 900));
        Assert.Equal(Noon + 900, await SayAsync(timers, 1, WatermarkState.Active, Noon + 600));
    }

    /// <summary>A run that is stopped and goes on ends as of the greatest time of both parts.</summary>
    [StoreFact]
    public async Task Advance_ToTheEnd_CountsWhatWasMetBefore()
    {
        var (_, timers) = await OpenAsync();
        Assert.Equal(long.MinValue, await SayAsync(timers, 1, WatermarkState.Final, 0));
        Assert.Equal(Noon, await SayAsync(timers, 1, WatermarkState.Active, Noon, greatestMs: Noon + 50));
        await SayAsync(timers, 1, WatermarkState.None, 0, greatestMs: Noon + 70);
        Assert.Equal(Noon + 70, await SayAsync(timers, 2, WatermarkState.Final, 0, greatestMs: Noon + 60));
    }

    /// <summary>A customer whose view changes by itself at a time; null: it does not.</summary>
    private static ViewSample Timed(IdentifierId id, ulong stamp, long? timeMs, ulong version = 1) => new(id, stamp)
    {
        Vector = [(id, version)], Fields = new() { ["events"] = "1" },
        Ranks = new() { [""] = timeMs is { } at ? $"{at}" : "-", ["intent"] = timeMs is null ? "-" : "1700000000000" },
    };

    private static Task<long> SayAsync(
        ITimerStore timers, ulong writer, WatermarkState state, long timeMs, long greatestMs = long.MinValue) =>
        timers.AdvanceAsync(new WatermarkReport(writer, IsAlone: false, state, timeMs, greatestMs), CancellationToken.None);

    private static async Task<(string Due, string Next)> DueAsync(ITimerStore timers, long untilMs, int perBucketMax = 10)
    {
        var next = new long[2];
        var due = await timers.DueAsync([A.Bucket, C.Bucket], untilMs, perBucketMax, next, CancellationToken.None);
        return (string.Join(' ', due.Select(d => $"{d.Customer}@{d.TimeMs - Noon}")),
            string.Join(' ', next.Select(n => n == long.MaxValue ? "never" : $"{n}")));
    }
}
