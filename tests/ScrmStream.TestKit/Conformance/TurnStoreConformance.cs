using ScrmStream.Pipeline;

namespace ScrmStream.TestKit.Conformance;

/// <summary>What every <see cref="ITurnStore"/> does. Each test opens a store in which nobody has the turn.</summary>
public abstract class TurnStoreConformance
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5), Short = TimeSpan.FromMilliseconds(40);
    private static readonly CancellationToken None = CancellationToken.None;

    protected abstract Task<ITurnStore> OpenAsync();

    [StoreFact]
    public async Task Take_AnotherHasIt_TellsHowLongAtMost()
    {
        var turns = await OpenAsync();
        Assert.Equal(TimeSpan.Zero, await turns.LeftAsync(2, None));
        Assert.Equal(TimeSpan.Zero, await turns.TakeAsync(1, Long, None));
        Assert.InRange(await turns.TakeAsync(2, Long, None), Long / 2, Long);
        Assert.InRange(await turns.LeftAsync(2, None), Long / 2, Long);
        // Nobody waits for himself, and may take it anew.
        Assert.Equal(TimeSpan.Zero, await turns.LeftAsync(1, None));
        Assert.Equal(TimeSpan.Zero, await turns.TakeAsync(1, Long * 2, None));
        Assert.InRange(await turns.LeftAsync(2, None), Long * 1.5, Long * 2);
    }

    [StoreFact]
    public async Task GiveBack_OnlyByWhoHasIt_LetsTheNextOneTakeIt()
    {
        var turns = await OpenAsync();
        await turns.TakeAsync(1, Long, None);
        await turns.GiveBackAsync(2, None);
        Assert.NotEqual(TimeSpan.Zero, await turns.TakeAsync(2, Long, None));
        await turns.GiveBackAsync(1, None);
        Assert.Equal(TimeSpan.Zero, await turns.LeftAsync(2, None));
        Assert.Equal(TimeSpan.Zero, await turns.TakeAsync(2, Long, None));
        Assert.NotEqual(TimeSpan.Zero, await turns.LeftAsync(1, None));
    }

    /// <summary>Who died with it holds nobody up; and who was frozen with it takes nothing away by giving it back.</summary>
    [StoreFact]
    public async Task Take_NotGivenBack_EndsByItself()
    {
        var turns = await OpenAsync();
        await turns.TakeAsync(1, Short, None);
        while (await turns.TakeAsync(2, Long, None) is { Ticks: > 0 } left)
        {
            Assert.InRange(left, TimeSpan.Zero, Short);
            await Task.Delay(left, TimeProvider.System);
        }
        await turns.GiveBackAsync(1, None);
        Assert.NotEqual(TimeSpan.Zero, await turns.LeftAsync(1, None));
    }
}
