using ScrmStream.Events;
using ScrmStream.Pipeline;

namespace ScrmStream.TestKit.Simulation;

/// <summary>
/// A member of the simulated group. Offsets that are noted as durable are sent to the group in the background, as the client library does,
/// so a process that is killed loses some. One that was away for too long goes on for a moment with what it had fetched.
/// </summary>
public sealed class SimulatedConsumer : IEventSource
{
    private const int FetchedMax = 6;

    private readonly SimulatedKafka _kafka;
    private readonly TimeSpan _commitInterval;
    private readonly Random _random;
    // By partition: assigned, next to be read, handed over up to, noted as durable, sent to the group.
    private readonly SortedDictionary<int, Reading> _assigned = [];
    private int _leftFetched = -1, _turn;
    private bool _isPaused, _isClosed;

    private sealed class Reading
    {
        public required int Term;
        public long Next, Taken = -1, Stored, Sent;
    }

    public SimulatedConsumer(SimulatedKafka kafka, SimulatedProcess process, TimeSpan commitInterval)
    {
        (_kafka, Process, _commitInterval, _random) = (kafka, process, commitInterval, kafka.World.Random);
        kafka.Join(this);
        SendLater();
    }

    public SimulatedProcess Process { get; }

    public long Lag => _assigned.Sum(p => _kafka.EndOf(p.Key) - p.Value.Next);

    public SourceState Poll(RecordBatch batch, TimeSpan timeout)
    {
        if (Process.IsDead) return SourceState.Open;
        FollowGroup();
        if (_isPaused || _assigned.Count == 0)
        {
            Process.BlockNext(timeout);
            return SourceState.Open;
        }
        foreach (var p in _assigned.Keys.Skip(_turn++ % _assigned.Count).ToList())
            if (_random.Next(4) > 0) Take(batch, p);
        _kafka.World.Note((ulong)batch.Count);
        if (batch.Count > 0) return SourceState.Open;
        Process.BlockNext(timeout);
        return _assigned.All(p => p.Value.Next >= _kafka.EndOf(p.Key)) ? SourceState.Idle : SourceState.Open;
    }

    public void Commit(IReadOnlyList<NextOffset> next)
    {
        foreach (var (source, offset) in next)
            if (_assigned.TryGetValue(source.Partition, out var reading) && offset > reading.Stored) reading.Stored = offset;
    }

    public void Pause(bool paused) => _isPaused = paused;

    public void Rewind()
    {
        foreach (var reading in _assigned.Values) (reading.Next, reading.Taken) = (reading.Stored, -1);
    }

    public void Describe(List<PartitionStanding> standings)
    {
        foreach (var (p, reading) in _assigned)
            standings.Add(new PartitionStanding(_kafka.Partitions[p], reading.Taken, reading.Next >= _kafka.EndOf(p), IsHistory: false));
    }

    /// <summary>Leaves the group and gives it what is noted.</summary>
    public ValueTask DisposeAsync()
    {
        if (_isClosed || Process.IsDead) return ValueTask.CompletedTask;
        _isClosed = true;
        _kafka.Commit(this, Unsent(_ => true));
        _kafka.Leave(this);
        return ValueTask.CompletedTask;
    }

    public override string ToString() =>
        $"process {Process.Number}: {string.Join("; ", _assigned.Select(p => $"{p.Key} next {p.Value.Next} stored {p.Value.Stored} sent {p.Value.Sent}"))}";

    private void Take(RecordBatch batch, int partition)
    {
        var reading = _assigned[partition];
        for (var n = _random.Next(1, 7); n > 0 && reading.Next < _kafka.EndOf(partition) && !batch.IsFull; n--)
        {
            if (_leftFetched == 0) return;
            if (_leftFetched > 0) _leftFetched--;
            batch.Add(_kafka.Partitions[partition], reading.Next, -1, _kafka.Value(partition, reading.Next));
            reading.Next = reading.Taken = reading.Next + 1;
        }
    }

    // What the client library does in a poll: hears that all is lost, gives up what it is asked for, takes what it is given.
    private void FollowGroup()
    {
        if (!_kafka.IsMember(this))
        {
            if (_leftFetched < 0) _leftFetched = _random.Next(FetchedMax);
            else
            {
                _assigned.Clear();
                _leftFetched = -1;
                _kafka.Join(this);
            }
            return;
        }
        foreach (var p in _assigned.Keys.ToList())
        {
            if (!_kafka.IsToGive(this, p) && _kafka.Owns(this, p) && _kafka.TermOf(p) == _assigned[p].Term) continue;
            _kafka.Commit(this, Unsent(of => of == p));
            _assigned.Remove(p);
            _kafka.GiveUp(this, p);
        }
        for (var p = 0; p < _kafka.Partitions.Length; p++)
        {
            if (!_kafka.Owns(this, p) || _assigned.ContainsKey(p)) continue;
            if (_kafka.IsToGive(this, p))
            {
                _kafka.GiveUp(this, p); // it was to be another's before it was heard of here
                continue;
            }
            var committed = _kafka.Committed[p];
            _kafka.Partitions[p].Assigned();
            _assigned[p] = new Reading { Term = _kafka.TermOf(p), Next = committed, Stored = committed, Sent = committed };
        }
    }

    private List<(int Partition, int Term, long Offset)> Unsent(Func<int, bool> isAsked)
    {
        var offsets = new List<(int, int, long)>();
        foreach (var (p, reading) in _assigned)
        {
            if (reading.Stored == reading.Sent || !isAsked(p)) continue;
            offsets.Add((p, reading.Term, reading.Stored));
            reading.Sent = reading.Stored;
        }
        return offsets;
    }

    private void SendLater() => _kafka.World.After(_commitInterval, () =>
    {
        if (_isClosed || Process.IsDead) return;
        if (Process.IsAwake && Unsent(_ => true) is { Count: > 0 } offsets)
            _kafka.World.After(_kafka.World.Between(0.1, 20), () => _kafka.Commit(this, offsets));
        SendLater();
    });
}
