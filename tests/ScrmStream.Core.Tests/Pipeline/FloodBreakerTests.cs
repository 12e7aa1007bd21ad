using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.TestKit;
using ScrmStream.Tests.Events;

namespace ScrmStream.Tests.Pipeline;

public sealed class FloodBreakerTests
{
    private readonly HandClock _clock = new();

    [Fact]
    public void Look_NearlyAllBadForLong_OpensAndClosesWithGoodEvents()
    {
        var breaker = new FloodBreaker(new PipelineOptions { FloodAfter = TimeSpan.FromSeconds(10), FloodRecordsPerSecond = 500 }, _clock);
        Seconds(breaker, 9, events: 100, rejects: 95);
        Assert.False(breaker.Look().IsOpen);
        Assert.Equal(TimeSpan.Zero, breaker.WaitAfter(1000));
        Seconds(breaker, 2, events: 100, rejects: 95);
        var flood = breaker.Look();
        Assert.True(flood.IsOpen);
        Assert.Equal(0.95, flood.Share);
        Assert.InRange(flood.Since.TotalSeconds, 10, 12);
        Assert.Equal(TimeSpan.FromSeconds(2), breaker.WaitAfter(1000));
        // However large a batch is, the group must not take the process for stuck.
        Assert.Equal(TimeSpan.FromSeconds(5), breaker.WaitAfter(1_000_000));
        Seconds(breaker, 1, events: 100, rejects: 50);
        Assert.False(breaker.Look().IsOpen);
    }

    [Fact]
    public void Look_GoodSecondBetween_StartsAnew()
    {
        var breaker = new FloodBreaker(new PipelineOptions { FloodAfter = TimeSpan.FromSeconds(10) }, _clock);
        for (var round = 0; round < 5; round++)
        {
            Seconds(breaker, 8, events: 1000, rejects: 1000);
            Seconds(breaker, 1, events: 1000, rejects: 0);
            Assert.False(breaker.Look().IsOpen);
        }
    }

    [Fact]
    public void Look_TrickleOfBadEvents_IsNoFlood()
    {
        var breaker = new FloodBreaker(new PipelineOptions { FloodAfter = TimeSpan.FromSeconds(10) }, _clock);
        Seconds(breaker, 60, events: 1, rejects: 1);
        Assert.False(breaker.Look().IsOpen);
    }

    [Fact]
    public void Look_BadEventsAfterALongWait_AreNotBadForThatLong()
    {
        var breaker = new FloodBreaker(new PipelineOptions { FloodAfter = TimeSpan.FromSeconds(10) }, _clock);
        _clock.Advance(TimeSpan.FromSeconds(41));
        Seconds(breaker, 9, events: 1000, rejects: 1000);
        Assert.False(breaker.Look().IsOpen);
        Seconds(breaker, 2, events: 1000, rejects: 1000);
        Assert.True(breaker.Look().IsOpen);
    }

    [Fact]
    public void Look_NothingForAMinute_Closes()
    {
        var breaker = new FloodBreaker(new PipelineOptions { FloodAfter = TimeSpan.FromSeconds(1) }, _clock);
        Seconds(breaker, 5, events: 1000, rejects: 1000);
        Assert.True(breaker.Look().IsOpen);
        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.False(breaker.Look().IsOpen);
    }

    /// <summary>Only bad records for some seconds: reading slows down, every record has its letter, and good ones end it.</summary>
    [Fact]
    public async Task Run_OnlyBadRecords_SlowsDownAndLosesNothing()
    {
        const int Bad = 9_000, Good = 3_000;
        var options = new PipelineOptions
        {
            FloodAfter = TimeSpan.FromMilliseconds(500), FloodRecordsPerSecond = 2_000, FlushInterval = TimeSpan.FromMilliseconds(50),
            BatchRecordsMax = 500,
        };
        var records = Enumerable.Range(0, Bad + Good).Select(i => i < Bad ? $"poison {i}" : Decoding.Event($"\"event_id\":\"{i}\""));
        var source = new SlowSource(new ListSource([(ListSource.Partition(0), ListSource.Utf8(records))], [], recordsPerPoll: 100));
        var views = new MemoryViewStore();
        var analytics = new MemoryAnalytics();
        var pipeline = new StreamPipeline(
            options, RuleSet.Empty, new PipelinePorts(source, new MemoryCellStore(views), views, analytics, analytics), 1, TimeProvider.System);
        var run = pipeline.RunAsync(CancellationToken.None);
        var opened = false;
        while (await Task.WhenAny(run, Task.Delay(5)) != run) opened |= pipeline.Flood.Look().IsOpen;
        await run;

        Assert.True(opened);
        Assert.Equal((Good, Bad), (pipeline.Counters.Accepted, pipeline.Counters.Rejected));
        Assert.Equal(Bad, analytics.DeadLetters.Count);
        Assert.Equal(Enumerable.Range(0, Bad).Select(i => (long)i), analytics.DeadLetters.Keys.Select(k => k.Item2).Order());
        // The good records at the end came through faster than a flood is read.
        Assert.False(pipeline.Flood.Look().IsOpen);
    }

    private void Seconds(FloodBreaker breaker, int seconds, int events, int rejects)
    {
        for (var i = 0; i < seconds; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            breaker.Note(events, rejects);
        }
    }

    // A poll takes its time, so that the flood lasts.
    private sealed class SlowSource(ListSource source) : IEventSource
    {
        public long Lag => source.Lag;

        public SourceState Poll(RecordBatch batch, TimeSpan timeout)
        {
            Thread.Sleep(20);
            return source.Poll(batch, timeout);
        }

        public void Commit(IReadOnlyList<NextOffset> next) => source.Commit(next);

        public void Rewind() => source.Rewind();

        public void Pause(bool paused) => source.Pause(paused);

        public ValueTask DisposeAsync() => source.DisposeAsync();
    }
}
