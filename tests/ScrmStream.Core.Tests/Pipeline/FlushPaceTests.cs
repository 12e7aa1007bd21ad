using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.TestKit;

namespace ScrmStream.Tests.Pipeline;

public sealed class FlushPaceTests
{
    private static readonly PipelineOptions Options = new()
    {
        FlushInterval = TimeSpan.FromMilliseconds(250), FlushIntervalUnderBacklog = TimeSpan.FromSeconds(20),
    };

    private readonly HandClock _clock = new();

    /// <summary>Under backlog an open flush waits as long as the newest record is old, within the two intervals.</summary>
    [Theory]
    [InlineData(0, 250)]
    [InlineData(-5_000, 250)]
    [InlineData(100, 250)]
    [InlineData(900, 900)]
    [InlineData(15_000, 15_000)]
    [InlineData(3_600_000, 20_000)]
    public void IsDue_UnderBacklog_WhenItHasWaitedAsLongAsTheStreamIsBehind(int behindMs, int dueMs)
    {
        var pace = Opened(_clock.GetUtcNow().ToUnixTimeMilliseconds() - behindMs);
        _clock.Advance(TimeSpan.FromMilliseconds(dueMs - 1));
        Assert.False(pace.IsDue(hasBacklog: true));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(pace.IsDue(hasBacklog: true));
    }

    /// <summary>A producer may write any number as the time of a record, microseconds for one.</summary>
    [Theory]
    [InlineData(1_760_000_000_000_000)]
    [InlineData(long.MaxValue)]
    public void IsDue_TimesThatNoCalendarHas_AreOfTheFuture(long newestMs)
    {
        var pace = Opened(newestMs);
        _clock.Advance(TimeSpan.FromMilliseconds(250));
        Assert.True(pace.IsDue(hasBacklog: true));
    }

    [Fact]
    public void IsDue_RecordsWithoutATime_WaitLongest()
    {
        var pace = Opened(-1);
        _clock.Advance(TimeSpan.FromSeconds(19));
        Assert.False(pace.IsDue(hasBacklog: true));
        Assert.True(pace.IsDue(hasBacklog: false));
    }

    /// <summary>However old its records are: when all of them are read, readers get them soon.</summary>
    [Fact]
    public void IsDue_NothingElseToRead_AfterTheShortInterval()
    {
        var pace = Opened(0);
        Assert.Equal(TimeSpan.FromMilliseconds(250), pace.Left);
        _clock.Advance(TimeSpan.FromMilliseconds(249));
        Assert.False(pace.IsDue(hasBacklog: false));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(pace.IsDue(hasBacklog: false));
    }

    private FlushPace Opened(long newestMs)
    {
        var pace = new FlushPace(Options, _clock);
        var records = new RecordBatch(4, 1024);
        records.Add(new SourcePartition(Guid.Empty, "t", 0), 0, newestMs, "{}"u8);
        records.Add(new SourcePartition(Guid.Empty, "t", 0), 1, newestMs - 60_000, "{}"u8);
        pace.Open();
        pace.Note(records);
        return pace;
    }
}
