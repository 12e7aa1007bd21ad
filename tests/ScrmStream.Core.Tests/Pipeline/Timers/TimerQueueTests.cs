using ScrmStream.Pipeline.Timers;
using ScrmStream.TestKit;
using Xunit;

namespace ScrmStream.Tests.Pipeline.Timers;

[Collection(MeasuredAlone.Name)]
public sealed class TimerQueueTests
{
    /// <summary>Random times against a sorted dictionary: everybody is woken no later than due, once, and only who is to be woken.</summary>
    [Fact]
    public void TakeDue_RandomTimes_WakesWhomTheModelWakes()
    {
        long woken = 0;
        foreach (var seed in Seeds.From(0, 300, 10_000))
        {
            var random = new Random(seed);
            var queue = new TimerQueue();
            Dictionary<int, long> model = [];
            var now = random.NextInt64(1L << random.Next(1, 42));
            var span = 1L << random.Next(1, 34);
            for (var step = 0; step < 200; step++)
            {
                for (var set = random.Next(6); set > 0; set--)
                {
                    var (node, time) = (random.Next(30), Math.Max(0, now + random.NextInt64(-span / 4, span)));
                    queue.Set(node, time);
                    model[node] = Math.Min(model.GetValueOrDefault(node, long.MaxValue), time);
                }
                now += random.Next(3) == 0 ? 0 : random.NextInt64(span / 2 + 1);
                var due = new List<int>();
                queue.TakeDue(now, due);
                var expected = model.Where(m => m.Value <= now).Select(m => m.Key).Order().ToList();
                Assert.True(expected.SequenceEqual(due.Order()), $"seed {seed}, step {step}: woken {string.Join(',', due.Order())}, due {string.Join(',', expected)}");
                foreach (var node in expected) model.Remove(node);
                woken += expected.Count;
                Assert.True(queue.Count >= model.Count);
            }
        }
        Assert.True(woken > 10_000);
    }

    [Fact]
    public void Clear_ForgetsAll()
    {
        var queue = new TimerQueue();
        queue.Set(3, 100);
        queue.Clear();
        var due = new List<int>();
        queue.TakeDue(1000, due);
        Assert.Empty(due);
        Assert.Equal(0, queue.Count);
        queue.Set(3, 500);
        queue.TakeDue(1000, due);
        Assert.Equal([3], due);
    }

    /// <summary>A million pending timers: bytes by the garbage collector's own count.</summary>
    [Fact]
    public void Set_MillionTimers_TakesLessThan64BytesEach()
    {
        const int Timers = 1_000_000;
        var random = new Random(1);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var queue = new TimerQueue();
        for (var node = 0; node < Timers; node++) queue.Set(node, 1_760_000_000_000 + random.NextInt64(30L * 86_400_000));
        var bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)Timers;
        Assert.True(queue.Count == Timers && bytes < 64, $"{bytes:0.0} bytes a timer");
    }
}
