using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.TestKit;
using static ScrmStream.Tests.Pipeline.StreamPipelineTests;

namespace ScrmStream.Tests.Pipeline;

/// <summary>Rows that are there when records are read again.</summary>
public sealed class RepeatedRowsTests
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly MemoryAnalytics _tables = new();
    private readonly SourcePartition _partition = new(Guid.Empty, "t", 3);
    private int _asked, _blocks;

    /// <summary>A process ends when its rows are stored and nothing is committed: the next one stores none of them again.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_AfterOneThatHadNotCommitted_StoresEachRowOnce(bool isAlone)
    {
        foreach (var seed in Seeds.From(97_000, 60, 2_000))
        {
            var world = RandomWorld(seed, partitions: 3);
            var stores = new Stores(isAlone);
            await RunAsync(stores, world, [0, 1, 2], seed);
            var (events, repeats) = stores.Analytics.StoredEvents;
            Assert.True(events > 0 && repeats == 0);
            stores.Committed.Clear();
            var counters = await RunAsync(stores, world, [0, 1, 2], seed + 1);
            // Whose verdict the ring has forgotten is passed over too.
            Assert.Equal((events, 0), stores.Analytics.StoredEvents);
            Assert.Equal(events, counters.Books.Look().RowsFound);
            Assert.Equal(0, counters.Books.Look().Difference);
            AssertEqualsModel(world, stores, seed);
        }
    }

    /// <summary>
    /// A process alone stores its rows ahead of the cells and ends; the next one finds them all and ends too. Had it noted that rows went
    /// ahead in its epoch, the third would take the first one's for doubtful and store them again.
    /// </summary>
    [Fact]
    public async Task Run_AloneAndAllIsStored_NotesNoRowsAhead()
    {
        foreach (var seed in Seeds.From(98_000, 40, 1_000))
        {
            var world = RandomWorld(seed, partitions: 3);
            var stores = new Stores(isSoleWriter: true);
            var views = new NotedViews(stores.Views);
            await RunAsync(stores, world, [0, 1, 2], seed, views);
            stores.Committed.Clear();
            var noted = views.Noted;
            await RunAsync(stores, world, [0, 1, 2], seed + 1, views);
            Assert.True(noted > 0);
            Assert.Equal(noted, views.Noted);
        }
    }

    private sealed class NotedViews(MemoryViewStore views) : IViewStore
    {
        private int _noted;

        public int Noted => _noted;
        public bool IsSoleWriter => views.IsSoleWriter;
        public ulong WriterEpoch => views.WriterEpoch;

        public Task<bool> GoAheadAsync(CancellationToken cancel)
        {
            Interlocked.Increment(ref _noted);
            return Task.FromResult(true);
        }

        public Task<IReadOnlyList<int>> PublishAsync(IReadOnlyList<ViewWrite> writes, ByteArena arena, CancellationToken cancel) =>
            views.PublishAsync(writes, arena, cancel);

        public Task<StoreTotals> CountAsync(CancellationToken cancel) => views.CountAsync(cancel);
    }

    [Fact]
    public async Task Mark_AnotherVerdict_IsWrittenAgain()
    {
        await WriteAsync(Batch(0, 4, RowEpoch.Of(5, isAlone: false)));
        var again = Batch(0, 4, RowEpoch.Of(6, isAlone: false), (1, Verdict.Duplicate));
        Assert.Equal(3, await Rows().MarkAsync([again], None));
        Assert.Equal([true, false, true, true], again.Events.ToArray().Select(e => e.IsStored));
    }

    [Fact]
    public async Task Mark_RowsThatDiffer_AreWrittenAgain()
    {
        await WriteAsync(Batch(0, 2, RowEpoch.Of(5, isAlone: false)));
        await WriteAsync(Batch(0, 2, RowEpoch.Of(7, isAlone: false), (1, Verdict.Duplicate)));
        var again = Batch(0, 2, RowEpoch.Of(8, isAlone: false), (1, Verdict.Duplicate));
        Assert.Equal(1, await Rows().MarkAsync([again], None));
        Assert.True(again.Events[0].IsStored);
    }

    [Fact]
    public async Task Mark_VerdictForgotten_LeavesWhatIsThere()
    {
        await WriteAsync(Batch(0, 2, RowEpoch.Of(5, isAlone: true), (1, Verdict.Duplicate)));
        var again = Batch(0, 3, RowEpoch.Of(9, isAlone: false), (0, Verdict.Forgotten), (1, Verdict.Forgotten), (2, Verdict.Forgotten));
        again.AheadBefore = 8;
        Assert.Equal(2, await Rows().MarkAsync([again], None));
    }

    /// <summary>
    /// Of two copies of an event a process alone shows the first. So does a later one; but in between another one, alone too, has judged
    /// the other way round and was frozen with its rows on their way. What it shows when it wakes up must not stay.
    /// </summary>
    [Theory]
    [InlineData(5, false)]
    [InlineData(6, true)]
    public async Task Mark_OneAloneMayHaveJudgedInBetween_IsWrittenAgain(ulong aheadBefore, bool isWrittenAgain)
    {
        await WriteAsync(Batch(0, 2, RowEpoch.Of(5, isAlone: true), (1, Verdict.Duplicate)));
        var frozen = Batch(0, 2, RowEpoch.Of(6, isAlone: true), (0, Verdict.Duplicate));
        var again = Batch(0, 2, RowEpoch.Of(7, isAlone: false), (1, Verdict.Duplicate));
        again.AheadBefore = aheadBefore;
        Assert.Equal(isWrittenAgain ? 0 : 2, await Rows().MarkAsync([again], None));
        if (!isWrittenAgain) return;
        await WriteAsync(again);
        await WriteAsync(frozen);
        Assert.Equal(0, Assert.Single(_tables.Events).Key.Offset);
    }

    /// <summary>It asks until no rows lie ahead, and anew when the partition is assigned anew.</summary>
    [Fact]
    public async Task Mark_InsertAfterInsert_AsksAsLongAsRowsLieAhead()
    {
        await WriteAsync(Batch(10, 10, 2));
        var rows = Rows();
        Assert.Equal(5, await rows.MarkAsync([Batch(10, 5, 2)], None));
        Assert.Equal(5, await rows.MarkAsync([Batch(15, 3, 2), Batch(18, 4, 2)], None));
        Assert.Equal(0, await rows.MarkAsync([Batch(22, 4, 2)], None));
        Assert.Equal(2, _asked);
        _partition.Assigned();
        await WriteAsync(Batch(26, 4, 2));
        Assert.Equal(4, await rows.MarkAsync([Batch(26, 6, 2)], None));
        Assert.Equal(3, _asked);
    }

    [Fact]
    public async Task Mark_TheLaterInsertAsksFirst_MarksTheEarlierToo()
    {
        await WriteAsync(Batch(10, 10, 2));
        var rows = Rows();
        Assert.Equal(5, await rows.MarkAsync([Batch(15, 5, 2)], None));
        Assert.Equal(5, await rows.MarkAsync([Batch(10, 5, 2)], None));
        Assert.Equal(0, await rows.MarkAsync([Batch(20, 5, 2)], None));
        Assert.Equal(2, _asked);
    }

    [Fact]
    public async Task Mark_NobodyToAsk_MarksNothing()
    {
        await WriteAsync(Batch(0, 2, 2));
        Assert.Equal(0, await new RepeatedRows(null).MarkAsync([Batch(0, 2, 2)], None));
    }

    [Theory]
    [InlineData(0, false, 2)]
    [InlineData(0, true, 3)]
    [InlineData(7, false, 16)]
    public void RowEpoch_OfAWriterEpoch_GrowsWithIt(ulong writerEpoch, bool isAlone, ulong expected)
    {
        Assert.Equal(expected, RowEpoch.Of(writerEpoch, isAlone));
        Assert.True(RowEpoch.Of(writerEpoch + 1, false) > expected && expected > RowEpoch.Forgotten);
        Assert.True(RowEpoch.WriterEpochMax(expected) >= writerEpoch);
    }

    private RepeatedRows Rows() => new((ranges, cancel) =>
    {
        _asked++;
        return _tables.FindAsync(ranges, cancel);
    });

    private Task WriteAsync(EventBatch batch) => _tables.WriteEventsAsync([batch], $"block {_blocks++}", None);

    private EventBatch Batch(long first, int count, ulong epoch, params (int Event, Verdict Verdict)[] others)
    {
        var batch = new EventBatch(new RecordBatch(64, 1 << 16)) { Epoch = epoch };
        for (var i = 0; i < count; i++)
        {
            batch.Records.Add(_partition, first + i, -1, "view"u8);
            var name = new TextRange(batch.Records.Records[i].Start, batch.Records.Records[i].Length);
            batch.Add(TrackingEvent.Empty with { Record = i, Name = name });
        }
        foreach (var (at, verdict) in others) batch.Events[at].Verdict = verdict;
        return batch;
    }
}
