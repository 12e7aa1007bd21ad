using BenchmarkDotNet.Attributes;
using ScrmStream.Pipeline.Timers;

namespace ScrmStream.Benchmarks;

/// <summary>
/// The queue of timers with ten million pending, spread over thirty days: how long it takes to set one, and to wake those that are due, in
/// steps of a second or less. The answer is how many were woken.
/// </summary>
[SimpleJob(launchCount: 1, warmupCount: 1, iterationCount: 3)]
public class TimerBenchmarks
{
    private const int Timers = 10_000_000, Wakes = 1_000_000;
    private const long StartMs = 1_760_000_000_000, SpanMs = 30L * 86_400_000;

    private readonly long[] _times = new long[Timers];
    private TimerQueue _queue = new();
    private long _nowMs;

    [GlobalSetup]
    public void Spread()
    {
        var random = new Random(1);
        for (var i = 0; i < Timers; i++) _times[i] = StartMs + random.NextInt64(SpanMs);
    }

    [IterationSetup(Target = nameof(Wake))]
    public void Fill()
    {
        _queue = new TimerQueue();
        for (var i = 0; i < Timers; i++) _queue.Set(i, _times[i]);
        _nowMs = StartMs;
    }

    [Benchmark(OperationsPerInvoke = Timers)]
    public long Set()
    {
        var queue = new TimerQueue();
        for (var i = 0; i < Timers; i++) queue.Set(i, _times[i]);
        return queue.Count;
    }

    /// <summary>A million of them, each set again thirty days later.</summary>
    [Benchmark(OperationsPerInvoke = Wakes)]
    public long Wake()
    {
        var due = new List<int>();
        long woken = 0;
        while (woken < Wakes)
        {
            due.Clear();
            _queue.TakeDue(_nowMs += 1000, due);
            foreach (var node in due) _queue.Set(node, _nowMs + SpanMs);
            woken += due.Count;
        }
        return woken;
    }
}
