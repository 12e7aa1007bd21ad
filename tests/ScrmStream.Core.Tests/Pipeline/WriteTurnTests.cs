using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.TestKit;
using static ScrmStream.Tests.Pipeline.StreamPipelineTests;

namespace ScrmStream.Tests.Pipeline;

public sealed class WriteTurnTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Somebody else always writes between the reading of a cell and its writing, unless he is told to wait. By chance alone such a process
    /// would never come to an end, however often it tried.
    /// </summary>
    [Fact]
    public async Task Run_SomebodyElseIsAlwaysFaster_ComesToItsTurn()
    {
        foreach (var seed in Seeds.From(90_000, 10, 200))
        {
            var world = RandomWorld(seed, partitions: 1);
            var stores = new Stores();
            var turns = new MemoryTurnStore(TimeProvider.System);
            var others = new FasterOthers(stores.Cells, turns);
            await using var source = new ListSource([(ListSource.Partition(0), world.Partitions[0])], stores.Committed);
            var options = new PipelineOptions { BatchRecordsMax = 16, FlushEventsMax = 20, Identity = world.Identity };
            var ports = new PipelinePorts(source, others, stores.Views, stores.Analytics, stores.Analytics, Turns: turns);
            var pipeline = new StreamPipeline(options, StreamPipelineTests.Rules, ports, stores.NextStamp(), TimeProvider.System);
            await pipeline.RunAsync(CancellationToken.None).WaitAsync(Limit);
            AssertEqualsModel(world, stores, seed);
            Assert.True(others.Conflicts >= 2, "nobody was faster: the test shows nothing");
            Assert.Equal(TimeSpan.Zero, await turns.LeftAsync(FasterOthers.Writer, CancellationToken.None));
        }
    }

    /// <summary>Whoever has no turn leaves the store to him who has, and goes on by itself when he does not come back.</summary>
    [Fact]
    public async Task LetOthers_AnotherHasTheTurn_WaitsUntilItEnds()
    {
        var store = new MemoryTurnStore(TimeProvider.System);
        var (mine, other) = (TurnOf(store, 1), TurnOf(store, 2));
        await mine.LetOthersAsync(CancellationToken.None);
        Assert.True(await other.TakeAsync(CancellationToken.None));
        var waits = mine.LetOthersAsync(CancellationToken.None).AsTask();
        var takes = mine.TakeAsync(CancellationToken.None).AsTask();
        await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        Assert.False(waits.IsCompleted || takes.IsCompleted);
        await other.EndAsync(CancellationToken.None);
        await Task.WhenAll(waits, takes).WaitAsync(Limit);
        Assert.Equal((true, true, false), (mine.IsHeld, mine.WasTaken, other.WasTaken));
        // It ends after some seconds, whatever becomes of him.
        await other.LetOthersAsync(CancellationToken.None).AsTask().WaitAsync(Limit);
    }

    /// <summary>
    /// However long the turns of a process take, one that dies in its turn holds nobody up for longer than its lease: some seconds for each
    /// of hundreds of kills were most of what recovery took.
    /// </summary>
    [Fact]
    public async Task Take_HolderOfLongTurnsDies_ComesToItsTurnSoon()
    {
        var store = new MemoryTurnStore(TimeProvider.System);
        var (mine, other) = (TurnOf(store, 1), TurnOf(store, 2));
        Assert.True(await other.TakeAsync(CancellationToken.None));
        await Task.Delay(TimeSpan.FromSeconds(2.5), TimeProvider.System);
        // It is kept while its process lives.
        Assert.True(await store.LeftAsync(1, CancellationToken.None) > TimeSpan.Zero);
        await other.EndAsync(CancellationToken.None);
        Assert.Equal(TimeSpan.Zero, await store.LeftAsync(1, CancellationToken.None));

        using var death = new CancellationTokenSource();
        Assert.True(await other.TakeAsync(death.Token));
        await death.CancelAsync();
        var began = TimeProvider.System.GetTimestamp();
        Assert.True(await mine.TakeAsync(CancellationToken.None));
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(3));
    }

    private static WriteTurn TurnOf(MemoryTurnStore store, ulong writer) => new(store, writer, TimeProvider.System, Task.Factory);

    /// <summary>Every write is too late while no turn is taken.</summary>
    private sealed class FasterOthers(MemoryCellStore cells, MemoryTurnStore turns) : ICellStore
    {
        public const ulong Writer = 999;

        public int Conflicts { get; private set; }

        public Task<StoredCell[]> LoadAsync(IReadOnlyList<IdentifierId> ids, CancellationToken cancel) => cells.LoadAsync(ids, cancel);

        public async Task<IReadOnlyList<int>> StoreAsync(IReadOnlyList<CellWrite> writes, ByteArena arena, CancellationToken cancel)
        {
            if (await turns.LeftAsync(Writer, cancel) > TimeSpan.Zero) return await cells.StoreAsync(writes, arena, cancel);
            Conflicts++;
            return [0];
        }
    }
}
