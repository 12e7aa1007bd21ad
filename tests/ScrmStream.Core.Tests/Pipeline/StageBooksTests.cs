using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.TestKit;

namespace ScrmStream.Tests.Pipeline;

/// <summary>
/// What comes to a stage is what it passes on, rejects and has. The simulation reads the books after each of its steps, whatever fails
/// (<see cref="ScrmStream.Tests.Simulation.SimulationTests"/>); here they are read by another thread, and compared with the stores.
/// </summary>
public sealed class StageBooksTests
{
    [Fact]
    public async Task Look_WhileStagesRun_AlwaysBalances()
    {
        var (looks, pending) = (0, 0);
        foreach (var seed in Seeds.From(700, 20, 200))
        {
            var (pipeline, _) = Pipeline(StreamPipelineTests.RandomWorld(seed, partitions: 3));
            var running = pipeline.RunAsync(CancellationToken.None);
            do
            {
                var page = pipeline.Counters.Books.Look();
                Assert.True(page.Difference == 0, $"seed {seed}: {page}");
                if (page.PendingRecords > 0) pending++;
                looks++;
            }
            while (!running.IsCompleted);
            await running;
        }
        Assert.True(pending > 50, $"only {pending} of {looks} looks saw anything under way");
    }

    [Fact]
    public async Task Look_AtTheEnd_SaysWhatTheStoresHold()
    {
        foreach (var seed in Seeds.From(800, 20, 200))
        {
            var world = StreamPipelineTests.RandomWorld(seed, partitions: 3);
            var (pipeline, tables) = Pipeline(world);
            await pipeline.RunAsync(CancellationToken.None);
            var rejected = new long[Enum.GetValues<RejectReason>().Length];
            var page = pipeline.Counters.Books.Look(rejected);
            Assert.Equal((0, 0), (page.Difference, page.PendingRecords));
            Assert.Equal(world.Partitions.Sum(p => p.Length), page.CommittedRecords);
            Assert.Equal(tables.Events.Count, page.AcceptedEvents);
            Assert.Equal(tables.Rows, page.RowsWritten);
            Assert.Equal(tables.DeadLetters.Count, page.LettersWritten);
            Assert.Equal(page.CommittedRejects + page.DuplicateEvents, rejected.Sum());
        }
    }

    private static (StreamPipeline, MemoryAnalytics) Pipeline(StreamPipelineTests.World world)
    {
        var views = new MemoryViewStore { IsSoleWriter = true };
        var tables = new MemoryAnalytics();
        var source = new ListSource(world.Partitions.Select((p, i) => (ListSource.Partition(i), p)), [], recordsPerPoll: 3);
        var options = new PipelineOptions
        {
            BatchRecordsMax = 16, BatchesInFlightMax = 8, FlushEventsMax = 20, InsertBatches = 1, DecodeLanes = 2, Identity = world.Identity,
        };
        var ports = new PipelinePorts(source, new MemoryCellStore(views), views, tables, tables);
        return (new StreamPipeline(options, StreamPipelineTests.Rules, ports, writerStamp: 1, TimeProvider.System), tables);
    }
}
