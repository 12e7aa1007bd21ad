using ScrmStream.Events;
using ScrmStream.Pipeline.Timers;
using ScrmStream.Tests.Rules;
using Xunit;

namespace ScrmStream.Tests.Pipeline.Timers;

[Collection(MeasuredAlone.Name)]
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

    /// <summary>A million pending: 64 bytes each at most, and no more garbage for each that comes due, second by second.</summary>
    [Fact]
    public void Queue_OfAMillion_TakesAtMost64BytesEachAndAsManyToWake()
    {
        const int timers = 1_000_000, spanMs = 3_600_000;
        var queue = new TimerQueue();
        var due = new List<int>(timers);
        var empty = GC.GetTotalMemory(forceFullCollection: true);
        for (var node = 0; node < timers; node++) queue.Set(node, EventMaker.StartMs + node * 7_919L % spanMs);
        Assert.InRange((GC.GetTotalMemory(forceFullCollection: true) - empty) / (double)timers, 8, 64);
        for (var second = 1; second <= 600; second++) queue.TakeDue(EventMaker.StartMs + second * 1_000, due);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var second = 601; second <= 1_000; second++) queue.TakeDue(EventMaker.StartMs + second * 1_000, due);
        Assert.InRange(due.Count, timers / 4, timers / 3);
        // Large buckets are given back and grow anew; a wake by itself costs nothing.
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / (double)(timers / 9), 0, 64);
        Assert.Equal(timers - due.Count, queue.Count);
    }

    /// <summary>Ten million over thirty days, in the order of nobody's time.</summary>
    [Fact]
    public void Queue_OfTenMillion_TakesAtMost64BytesEach()
    {
        const int Timers = 10_000_000;
        const long SpanMs = 30L * 86_400_000;
        var random = new Random(1);
        var queue = new TimerQueue();
        var empty = GC.GetTotalMemory(forceFullCollection: true);
        for (var node = 0; node < Timers; node++) queue.Set(node, EventMaker.StartMs + random.NextInt64(SpanMs));
        Assert.InRange((GC.GetTotalMemory(forceFullCollection: true) - empty) / (double)Timers, 8, 64);
        Assert.Equal(Timers, queue.Count);
    }
}
