using System.Diagnostics;
using Confluent.Kafka;

namespace ScrmStream.LoadTest.Chaos;

/// <summary>How long one fault lasted, in seconds.</summary>
/// <param name="Came">When it came, as the logs of the workers have it.</param>
/// <param name="Standstill">Until every partition that had something left has committed more than at the moment of the fault.</param>
/// <param name="Recovery">Until everything that had been published before it, the backlog of that moment too, was committed.</param>
internal readonly record struct FaultSeconds(DateTime Came, string Fault, double Standstill, double Recovery);

/// <summary>
/// Measures how long faults last, by the offsets that the group has committed: these follow when all stores have everything. Nobody is asked
/// who had which partition, so a partition that was given to others and given back counts as it looks from outside.
/// </summary>
internal sealed class ChaosRecovery : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    private readonly ChaosTopic _topic;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<OpenFault> _open = [];
    private readonly List<FaultSeconds> _over = [];
    private readonly Task _watching;
    private long[] _committed;

    public ChaosRecovery(ChaosTopic topic)
    {
        _topic = topic;
        _committed = topic.Beginnings();
        _watching = Task.Run(WatchAsync);
    }

    /// <summary>A fault comes now.</summary>
    public void Watch(string fault)
    {
        var ends = _topic.Ends();
        lock (_open) _open.Add(new OpenFault(fault, ends, Stopwatch.GetTimestamp()));
    }

    /// <summary>The faults that are over by now.</summary>
    public IReadOnlyList<FaultSeconds> Over
    {
        get { lock (_open) return [.. _over]; }
    }

    /// <summary>Waits until the group has committed so much.</summary>
    /// <exception cref="TimeoutException">It has not after the limit.</exception>
    public async Task CommittedAsync(long[] ends, TimeSpan limit, CancellationToken cancel)
    {
        for (var watch = Stopwatch.StartNew(); !ends.Index().All(e => Volatile.Read(ref _committed)[e.Index] >= e.Item); await Task.Delay(Look, cancel))
            if (watch.Elapsed > limit) throw new TimeoutException($"What was published {limit.TotalSeconds:0} s ago is not committed.");
    }

    /// <summary>Waits until all are over.</summary>
    /// <exception cref="TimeoutException">Something published is still not committed after the limit.</exception>
    public async Task<IReadOnlyList<FaultSeconds>> EndAsync(TimeSpan limit)
    {
        for (var watch = Stopwatch.StartNew(); ; await Task.Delay(Look))
        {
            lock (_open)
                if (_open.Count == 0) return [.. _over];
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
                Note(_topic.Committed());
            }
            catch (KafkaException)
            {
                // The group is in between; the next look finds it.
            }
            await Task.Delay(Look, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Note(long[] committed)
    {
        Volatile.Write(ref _committed, committed);
        lock (_open)
        {
            foreach (var fault in _open) fault.Note(committed);
            _over.AddRange(_open.FindAll(f => f.IsOver(committed)).Select(f => f.Seconds));
            _open.RemoveAll(f => f.IsOver(committed));
        }
    }

    private sealed class OpenFault(string name, long[] ends, long started)
    {
        private readonly DateTime _came = DateTime.UtcNow;
        // What the first look after the fault found.
        private long[]? _before;
        private double? _moved;

        public FaultSeconds Seconds => new(_came, name, _moved ?? Elapsed, Elapsed);

        private double Elapsed => Stopwatch.GetElapsedTime(started).TotalSeconds;

        public void Note(long[] committed)
        {
            _before ??= committed;
            if (_moved is null && ends.Index().All(e => _before[e.Index] >= e.Item || committed[e.Index] > _before[e.Index])) _moved = Elapsed;
        }

        public bool IsOver(long[] committed) => ends.Index().All(e => committed[e.Index] >= e.Item);
    }
}
