using System.Diagnostics;
using Confluent.Kafka;

namespace ScrmStream.LoadTest.Chaos;

/// <summary>How long faults last: of each, the time until the group has committed everything that had been published before it.</summary>
internal sealed class ChaosRecovery : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    private readonly ChaosTopic _topic;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<(long[] Ends, long Started)> _open = [];
    private readonly List<double> _seconds = [];
    private readonly Task _watching;

    public ChaosRecovery(ChaosTopic topic)
    {
        _topic = topic;
        _watching = Task.Run(WatchAsync);
    }

    /// <summary>A fault comes now.</summary>
    public void Watch()
    {
        var ends = _topic.Ends();
        lock (_open) _open.Add((ends, Stopwatch.GetTimestamp()));
    }

    /// <summary>Waits until all are over, and returns how many seconds each took.</summary>
    /// <exception cref="TimeoutException">Something published is still not committed after the limit.</exception>
    public async Task<IReadOnlyList<double>> EndAsync(TimeSpan limit)
    {
        for (var watch = Stopwatch.StartNew(); ; await Task.Delay(Look))
        {
            lock (_open)
                if (_open.Count == 0) return [.. _seconds];
            if (watch.Elapsed > limit) throw new TimeoutException($"Not all is committed {limit.TotalSeconds:0} s after the last fault.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching;
        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Close(_topic.Committed());
            }
            catch (KafkaException)
            {
                // The group is in between; the next look finds it.
            }
            await Task.Delay(Look, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Close(long[] committed)
    {
        lock (_open)
        {
            foreach (var fault in _open.FindAll(f => f.Ends.Index().All(e => committed[e.Index] >= e.Item)))
            {
                _seconds.Add(Stopwatch.GetElapsedTime(fault.Started).TotalSeconds);
                _open.Remove(fault);
            }
        }
    }
}
