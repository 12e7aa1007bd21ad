using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.TestKit;
using Xunit;

namespace ScrmStream.Tests.Pipeline.Timers;

/// <summary>Services that wait for events that do not come, by a clock that runs a hundred times as fast.</summary>
public sealed class SilenceTests
{
    private const long Noon = 1_760_000_000_000;

    private static readonly SourcePartition Partition = ListSource.Partition(0);
    private static readonly IdentifierId Customer = IdentifierId.Of("openid:a:c"u8);
    private static readonly RuleSet Rules = RuleSet.Parse("""
        tags:
          - { tag: busy, when: 'count(event = "view", within 1m) >= 2' }
          - { tag: fresh, when: 'seen(event = "view")', expires: 90s }
        """, "test");

    private readonly FastTime _time = new();
    private readonly MemoryAnalytics _analytics = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_NothingComes_TagsLeaveAtTheirMoments(bool isSoleWriter)
    {
        var (views, timers) = Stores(isSoleWriter);
        var cells = new MemoryCellStore(views);
        using var stop = new CancellationTokenSource();
        var running = Start(1, views, cells, timers, [Noon, Noon + 1_000], stop.Token);
        await Until(() => TagsOf(views) == "busy,fresh");
        await Until(() => TagsOf(views) == "");
        await stop.CancelAsync();
        await running;
        Assert.Equal([$"busy {Noon + 60_000}", $"fresh {Noon + 91_000}"],
            _analytics.Tags.Values.Where(t => t.Value is null).Select(t => $"{t.Tag} {t.SinceMs}").Order());
    }

    /// <summary>The process that published the customer is gone; nobody names the customer any more.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_OfAnotherProcess_WakesWhomTheFirstLeftBehind(bool isSoleWriter)
    {
        var (views, timers) = Stores(isSoleWriter);
        var cells = new MemoryCellStore(views);
        using (var stop = new CancellationTokenSource())
        {
            var first = Start(1, views, cells, timers, [Noon, Noon + 1_000], stop.Token);
            await Until(() => TagsOf(views) == "busy,fresh");
            await stop.CancelAsync();
            await first;
        }
        Assert.NotEqual("", TagsOf(views));
        using var end = new CancellationTokenSource();
        var second = Start(3, views, cells, timers, [], end.Token);
        await Until(() => TagsOf(views) == "");
        await end.CancelAsync();
        await second;
    }

    private (MemoryViewStore, MemoryTimerStore) Stores(bool isSoleWriter)
    {
        var views = new MemoryViewStore { IsSoleWriter = isSoleWriter };
        return (views, new MemoryTimerStore(views, _time));
    }

    private Task Start(
        ulong stamp, MemoryViewStore views, MemoryCellStore cells, MemoryTimerStore timers, long[] times, CancellationToken stop)
    {
        var ports = new PipelinePorts(new OpenSource(times), cells, views, _analytics, _analytics, Timers: timers);
        return new StreamPipeline(new PipelineOptions(), Rules, ports, stamp, _time).RunAsync(stop);
    }

    private static string TagsOf(MemoryViewStore views) => views.Find(Customer) is { } view ? string.Join(',', view.Tags.Keys.Order()) : "none";

    private static async Task Until(Func<bool> holds)
    {
        for (var tries = 0; !holds(); tries++)
        {
            Assert.True(tries < 2_000, "nothing changed for twenty seconds");
            await Task.Delay(10);
        }
    }

    private sealed class FastTime : TimeProvider
    {
        private const int Factor = 100;

        public override long TimestampFrequency => System.TimestampFrequency / Factor;

        public override long GetTimestamp() => System.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, dueTime / Factor, period == Timeout.InfiniteTimeSpan ? period : period / Factor);
    }

    /// <summary>Has one event of the customer at each time, and then waits for more.</summary>
    private sealed class OpenSource(long[] times) : IEventSource
    {
        private int _next;

        public long Lag => 0;

        public SourceState Poll(RecordBatch batch, TimeSpan timeout)
        {
            if (_next < times.Length)
            {
                var json = $$"""{"event":"view","event_time":{{times[_next]}},"identifiers":[{"kind":"openid","scope":"a","value":"c"}]}""";
                batch.Add(Partition, _next, -1, Encoding.UTF8.GetBytes(json));
                Interlocked.Increment(ref _next);
                return SourceState.Open;
            }
            Thread.Sleep(1);
            return SourceState.Idle;
        }

        public void Describe(List<PartitionStanding> standings) =>
            standings.Add(new PartitionStanding(Partition, _next == 0 ? -1 : _next, _next == times.Length, IsHistory: false));

        public void Commit(IReadOnlyList<NextOffset> next)
        {
        }

        public void Pause(bool paused)
        {
        }

        public void Rewind()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
