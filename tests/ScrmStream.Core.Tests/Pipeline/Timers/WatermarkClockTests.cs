using System.Text;
using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Timers;
using ScrmStream.TestKit;
using Xunit;

namespace ScrmStream.Tests.Pipeline.Timers;

public sealed class WatermarkClockTests
{
    private const long Noon = 1_760_000_000_000;
    private static readonly SourcePartition A = ListSource.Partition(0), B = ListSource.Partition(1);

    private readonly ManualTime _time = new();
    private readonly Standings _source = new();
    private long _offset;

    [Fact]
    public void Read_OfTwoPartitions_IsTheLeast()
    {
        var clock = Clock();
        _source.Set(new(A, 1, IsAtEnd: false, IsHistory: false), new(B, 1, IsAtEnd: false, IsHistory: false));
        Apply(clock, A, Noon + 10);
        Assert.Equal(WatermarkState.Holding, clock.Read(_source).State);
        Apply(clock, B, Noon);
        Assert.Equal((WatermarkState.Active, Noon - 1), clock.Read(_source));
        Apply(clock, B, Noon + 60);
        Assert.Equal((WatermarkState.Active, Noon + 9), clock.Read(_source));
        Apply(clock, A, Noon - 5_000);
        Assert.Equal((WatermarkState.Active, Noon + 9), clock.Read(_source));
        Assert.Equal(Noon + 60, clock.MaximumMs);
    }

    /// <summary>The next record may be of the same millisecond, and what is decided at its end must know it.</summary>
    [Fact]
    public void Read_MoreToRead_TheLastMomentIsNotOver()
    {
        var clock = Clock();
        Apply(clock, A, Noon);
        _source.Set(new PartitionStanding(A, 2, IsAtEnd: true, IsHistory: false));
        Assert.Equal((WatermarkState.Active, Noon - 1), clock.Read(_source));
        Apply(clock, A, Noon);
        Assert.Equal((WatermarkState.Active, Noon), clock.Read(_source));
    }

    [Fact]
    public void Read_AnEventAheadOfItsRecord_CountsAsOfTheRecord()
    {
        var clock = Clock();
        Apply(clock, A, Noon + 3_600_000, recordMs: Noon);
        Assert.Equal((WatermarkState.Active, Noon - 1), clock.Read(_source));
        Apply(clock, A, Noon + 5, recordMs: Noon + 9_000);
        Assert.Equal((WatermarkState.Active, Noon + 4), clock.Read(_source));
    }

    [Fact]
    public void Read_InSilence_GrowsByTheTimeThatPasses()
    {
        var clock = Clock();
        Apply(clock, A, Noon);
        _source.Set(new PartitionStanding(A, 1, IsAtEnd: true, IsHistory: false));
        Assert.Equal((WatermarkState.Active, Noon), clock.Read(_source));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal((WatermarkState.Active, Noon + 2_000), clock.Read(_source));
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal((WatermarkState.Idle, Noon + 62_000), clock.Read(_source));
        // It goes on from what its records say, not from where silence had brought it.
        Apply(clock, A, Noon + 1_000);
        _source.Set(new PartitionStanding(A, 2, IsAtEnd: false, IsHistory: false));
        Assert.Equal((WatermarkState.Active, Noon + 999), clock.Read(_source));
    }

    [Fact]
    public void Read_APartitionAtItsEndWhoseRecordsAreOnTheirWay_HoldsTheOthersBack()
    {
        var clock = Clock();
        Apply(clock, A, Noon + 100_000);
        Apply(clock, B, Noon);
        _source.Set(new(A, 1, IsAtEnd: false, IsHistory: false), new(B, TakenNext: 9, IsAtEnd: true, IsHistory: false));
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal((WatermarkState.Active, Noon - 1), clock.Read(_source));
        _offset = 8;
        Apply(clock, B, Noon + 7);
        Assert.Equal((WatermarkState.Active, Noon + 7), clock.Read(_source));
        _time.Advance(WatermarkClock.IdleAfter);
        Assert.Equal((WatermarkState.Active, Noon + 99_999), clock.Read(_source));
    }

    [Fact]
    public void Read_HistoryAndEmptyPartitions_HaveNothingToSay()
    {
        var clock = Clock();
        _source.Set(
            new(A, 1, IsAtEnd: false, IsHistory: true), new(B, -1, IsAtEnd: true, IsHistory: false));
        Apply(clock, A, Noon);
        Assert.Equal(WatermarkState.None, clock.Read(_source).State);
        Assert.Equal(Noon, clock.MaximumMs);
    }

    [Fact]
    public void Read_NothingSinceTheStart_GrowsFromWhereTimeStood()
    {
        var clock = Clock();
        clock.ResumedMs = Noon;
        _source.Set(new(A, -1, IsAtEnd: true, IsHistory: false), new(B, -1, IsAtEnd: false, IsHistory: false));
        Assert.Equal(WatermarkState.Holding, clock.Read(_source).State);
        _source.Set(new(A, -1, IsAtEnd: true, IsHistory: false), new(B, -1, IsAtEnd: true, IsHistory: false));
        clock.Read(_source);
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal((WatermarkState.Idle, Noon + 60_000), clock.Read(_source));
    }

    [Fact]
    public void Read_APartitionThatIsGone_NoLongerHoldsTheOthersBack()
    {
        var clock = Clock();
        Apply(clock, A, Noon);
        Apply(clock, B, Noon + 50);
        Assert.Equal((WatermarkState.Active, Noon - 1), clock.Read(_source));
        _source.Set(new PartitionStanding(B, 1, IsAtEnd: false, IsHistory: false));
        Assert.Equal((WatermarkState.Active, Noon + 49), clock.Read(_source));
    }

    [Fact]
    public void Read_OfARunThatEndsWhenIdle_DoesNotGrow()
    {
        var clock = new WatermarkClock(growsInSilence: false, _time);
        Apply(clock, A, Noon);
        _source.Set(new PartitionStanding(A, 1, IsAtEnd: true, IsHistory: false));
        clock.Read(_source);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal((WatermarkState.Idle, Noon), clock.Read(_source));
    }

    private WatermarkClock Clock() => new(growsInSilence: true, _time);

    private void Apply(WatermarkClock clock, SourcePartition partition, long eventMs, long recordMs = -1)
    {
        var batch = new EventBatch(new RecordBatch(1, 1024));
        batch.Records.Add(partition, _offset++, recordMs, Encoding.UTF8.GetBytes("{}"));
        batch.Add(new TrackingEvent { EventTimeMs = eventMs });
        clock.Applied(batch);
    }

    private sealed class ManualTime : TimeProvider
    {
        private long _ticks = 1_000;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Advance(TimeSpan by) => _ticks += by.Ticks;
    }

    private sealed class Standings : IEventSource
    {
        private PartitionStanding[] _now = [];

        public long Lag => -1;

        public void Set(params PartitionStanding[] now) => _now = now;

        public void Describe(List<PartitionStanding> standings) => standings.AddRange(_now);

        public SourceState Poll(RecordBatch batch, TimeSpan timeout) => SourceState.Ended;

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
