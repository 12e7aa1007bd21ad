using ScrmStream.Events;
using ScrmStream.Pipeline.Timers;
using ScrmStream.Tests.Rules;
using Xunit;

namespace ScrmStream.Tests.Pipeline.Timers;

public sealed class TimerAllocationTests
{
    /// <summary>What time costs per event, and per customer that is published.</summary>
    [Fact]
    public void AppliedAndSet_WhenWarm_AllocateNothing()
    {
        var batch = new EventBatch(new RecordBatch(1_000, 64 * 1024));
        for (var i = 0; i < 1_000; i++)
        {
            batch.Records.Add(TestKit.ListSource.Partition(i / 100 % 3), i, -1, "{}"u8);
            batch.Add(new TrackingEvent { Record = i, EventTimeMs = EventMaker.StartMs + i });
        }
        var clock = new WatermarkClock(growsInSilence: true, TimeProvider.System);
        var queue = new TimerQueue();
        // The runtime allocates a little when it compiles a method again; what the code allocates, it allocates in every round.
        var least = long.MaxValue;
        for (var round = 0; round < 30; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            clock.Applied(batch);
            for (var node = 0; node < 1_000; node++) queue.Set(node, EventMaker.StartMs - round * 1_000 + node);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        clock.Read(new TestKit.ListSource([], []));
        Assert.Equal(EventMaker.StartMs + 999, clock.MaximumMs);
        Assert.Equal(30_000, queue.Count);
        Assert.Equal(0, least);
    }
}
