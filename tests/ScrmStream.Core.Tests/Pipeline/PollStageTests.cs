using System.Threading.Channels;
using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.TestKit;

namespace ScrmStream.Tests.Pipeline;

public sealed class PollStageTests
{
    /// <summary>A stream that is kept up with must not be flushed as seldom as a backlog, however steadily it flows.</summary>
    [Theory]
    [InlineData(16, 10, true)]
    [InlineData(16, 80, false)]
    [InlineData(15, 10, false)]
    [InlineData(0, 100, false)]
    public async Task IsBehind_OnePoll_WhenAWholeBatchWasThere(int records, int tookMs, bool isBehind)
    {
        var options = new PipelineOptions { BatchRecordsMax = 16 };
        var clock = new HandClock();
        Channel<EventBatch>[] lanes = [System.Threading.Channels.Channel.CreateUnbounded<EventBatch>()];
        await using var source = new OnePoll(records, () => clock.Advance(TimeSpan.FromMilliseconds(tookMs)));
        var stage = new PollStage(
            source, new BatchPool(options), lanes, new PipelineCounters(), new FloodBreaker(options, clock), options, clock);

        await stage.RunAsync(toTheEnd: false, CancellationToken.None, CancellationToken.None);

        Assert.Equal(isBehind, stage.IsBehind);
    }

    /// <summary>A process that started over may have lost its partitions to others: then a stop has nothing to wait for.</summary>
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 2)]
    public async Task Run_StoppedAfterItStartedOver_ReadsWhatIsLeft(int behind, int polls)
    {
        var options = new PipelineOptions { BatchRecordsMax = 16 };
        Channel<EventBatch>[] lanes = [System.Threading.Channels.Channel.CreateUnbounded<EventBatch>()];
        await using var source = new FewPolls(behind);
        var clock = new HandClock();
        var stage = new PollStage(
            source, new BatchPool(options), lanes, new PipelineCounters(), new FloodBreaker(options, clock), options, clock);

        await stage.RunAsync(toTheEnd: true, new CancellationToken(canceled: true), CancellationToken.None);

        Assert.Equal(polls, source.Polls);
    }

    /// <summary>Finds nothing in its first poll, and in the second that it is at its end, if it has a partition.</summary>
    private sealed class FewPolls(long behind) : IEventSource
    {
        public int Polls { get; private set; }

        public long Lag => behind;

        public SourceState Poll(RecordBatch batch, TimeSpan timeout)
        {
            if (++Polls > 10) throw new InvalidOperationException("Asked to stop, it polls on.");
            return behind > 0 && Polls == 2 ? SourceState.Idle : SourceState.Open;
        }

        public void Commit(IReadOnlyList<NextOffset> next)
        {
        }

        public void Rewind()
        {
        }

        public void Pause(bool paused)
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class OnePoll(int records, Action wait) : IEventSource
    {
        public long Lag => 0;

        public SourceState Poll(RecordBatch batch, TimeSpan timeout)
        {
            wait();
            for (var i = 0; i < records; i++) batch.Add(ListSource.Partition(0), i, -1, "{}"u8);
            return SourceState.Ended;
        }

        public void Commit(IReadOnlyList<NextOffset> next)
        {
        }

        public void Rewind()
        {
        }

        public void Pause(bool paused)
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
