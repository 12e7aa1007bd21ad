using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.TestKit;
using static ScrmStream.Tests.Pipeline.StreamPipelineTests;

namespace ScrmStream.Tests.Pipeline;

/// <summary>A process that writes alone, its rows ahead of its cells, and another one that begins to write.</summary>
public sealed class AppearingWriterTests
{
    /// <summary>Both read again what was not committed; every event is there once, and the views equal the slow model's.</summary>
    [Fact]
    public async Task Run_AnotherProcessAppears_EndsAsIfBothHadBeenThere()
    {
        long startsOver = 0;
        foreach (var seed in Seeds.From(80_000, 120, 5_000))
        {
            var world = RandomWorld(seed, partitions: 3);
            var stores = new Stores();
            var epoch = new SharedEpoch();
            var random = new Random(seed);
            var first = RunAsync(stores, world, [0, 1], seed, new EpochStores(stores, epoch, stamp: 1));
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(4)), TimeProvider.System);
            var second = RunAsync(stores, world, [2], seed + 1, new EpochStores(stores, epoch, stamp: 2));
            startsOver += (await Task.WhenAll(first, second)).Sum(c => c.StartsOver);
            AssertEqualsModel(world, stores, seed);
        }
        Assert.True(startsOver > 10, $"only {startsOver} started over: the test shows nothing");
    }

    /// <summary>
    /// A process that has started over once and is asked to end does so, though there is more to be read than it ever could: what is not
    /// flushed is read by others.
    /// </summary>
    [Fact]
    public async Task Run_StoppedAfterItStartedOver_DoesNotReadToTheEnd()
    {
        var (stores, epoch) = (new Stores(), new SharedEpoch());
        var mine = new EpochStores(stores, epoch, stamp: 1);
        await using var source = new EndlessSource();
        var options = new PipelineOptions { BatchRecordsMax = 16, FlushEventsMax = 100, InsertBatches = 1 };
        var ports = new PipelinePorts(source, mine, mine, stores.Analytics, stores.Analytics);
        var pipeline = new StreamPipeline(options, StreamPipelineTests.Rules, ports, stores.NextStamp(), TimeProvider.System);
        using var stop = new CancellationTokenSource();
        var run = pipeline.RunAsync(stop.Token);
        while (pipeline.Counters.DurableRecords == 0) await Task.Delay(1, CancellationToken.None);
        _ = new EpochStores(stores, epoch, stamp: 2);
        while (pipeline.Counters.StartsOver == 0 && !run.IsCompleted) await Task.Delay(1, CancellationToken.None);
        await stop.CancelAsync();
        await run.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(0, pipeline.Counters.Books.Look().PendingRecords);
    }

    /// <summary>There is always more.</summary>
    private sealed class EndlessSource : IEventSource
    {
        private long _next, _committed;

        public long Lag => 1_000_000;

        public SourceState Poll(RecordBatch batch, TimeSpan timeout)
        {
            while (!batch.IsFull)
            {
                var touch = new Touch($"e{_next}", "view", 1_700_000_000_000 + _next, [new SlowIdentity.Id(IdentifierKind.Cookie, "", $"x{_next % 7}")]);
                batch.Add(ListSource.Partition(0), _next++, -1, System.Text.Encoding.UTF8.GetBytes(Json(touch)));
            }
            return SourceState.Open;
        }

        public void Commit(IReadOnlyList<NextOffset> next) => _committed = next[0].Offset;

        public void Rewind() => _next = _committed;

        public void Pause(bool paused)
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    /// <summary>What Redis keeps in scrm:meta:writer: who writes alone, 0 when several do.</summary>
    private sealed class SharedEpoch
    {
        public Lock Gate { get; } = new();
        public (ulong Number, int Sole) Value { get; set; }
    }

    /// <summary>One process's way to the stores: it claims to be alone, and its writes hold only while the epoch is the one it knows.</summary>
    private sealed class EpochStores : ICellStore, IViewStore
    {
        private readonly Stores _stores;
        private readonly SharedEpoch _epoch;
        private readonly int _stamp;
        private (ulong Number, int Sole) _known;

        public EpochStores(Stores stores, SharedEpoch epoch, int stamp)
        {
            (_stores, _epoch, _stamp) = (stores, epoch, stamp);
            lock (epoch.Gate) _known = epoch.Value = (epoch.Value.Number + 1, stamp);
        }

        public bool IsSoleWriter
        {
            get { lock (_epoch.Gate) return _known.Sole == _stamp; }
        }

        public ulong WriterEpoch
        {
            get { lock (_epoch.Gate) return _known.Number; }
        }

        public Task<StoredCell[]> LoadAsync(IReadOnlyList<IdentifierId> ids, CancellationToken cancel) => _stores.Cells.LoadAsync(ids, cancel);

        public async Task<IReadOnlyList<int>> StoreAsync(IReadOnlyList<CellWrite> writes, ByteArena arena, CancellationToken cancel)
        {
            // A call takes a while, so that folding goes on beside it.
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, cancel);
            lock (_epoch.Gate)
                return Holds() ? _stores.Cells.StoreAsync(writes, arena, cancel).Result : [.. Enumerable.Range(0, writes.Count)];
        }

        public async Task<IReadOnlyList<int>> PublishAsync(IReadOnlyList<ViewWrite> writes, ByteArena arena, CancellationToken cancel)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, cancel);
            lock (_epoch.Gate)
            {
                var isStale = !Holds() || _known.Sole == 0 && writes.Any(w => w.Vector.Length == 0);
                return isStale ? [.. Enumerable.Range(0, writes.Count)] : _stores.Views.PublishAsync(writes, arena, cancel).Result;
            }
        }

        public Task<StoreTotals> CountAsync(CancellationToken cancel) => _stores.Views.CountAsync(cancel);

        // Else it takes over what holds now, and makes it shared where another process claims to be alone.
        private bool Holds()
        {
            if (_known == _epoch.Value) return true;
            if (_epoch.Value.Sole != 0) _epoch.Value = (_epoch.Value.Number + 1, 0);
            _known = _epoch.Value;
            return false;
        }
    }
}
