using System.Text;
using ScrmStream.Events;
using ScrmStream.Pipeline;

namespace ScrmStream.TestKit;

/// <summary>Records in memory, by partition, read from a committed offset on; ends when all are read.</summary>
public sealed class ListSource : IEventSource
{
    private readonly (SourcePartition Partition, byte[][] Values)[] _partitions;
    private readonly long[] _position, _first;
    private readonly int _recordsPerPoll;
    private readonly long _timestampMs;
    private int _turn;
    private bool _isPaused;

    /// <param name="committed">Offsets to go on from; shared with the next source of a restart test.</param>
    /// <param name="recordsPerPoll">At most so many records of one partition a poll, so that partitions interleave.</param>
    /// <param name="timestampMs">The records' timestamp; -1: they have none.</param>
    public ListSource(
        IEnumerable<(SourcePartition, byte[][])> partitions, Dictionary<SourcePartition, long> committed, int recordsPerPoll = 7,
        long timestampMs = -1)
    {
        _partitions = [.. partitions];
        Committed = committed;
        _recordsPerPoll = recordsPerPoll;
        _timestampMs = timestampMs;
        _position = Array.ConvertAll(_partitions, p => committed.GetValueOrDefault(p.Partition));
        _first = [.. _position];
    }

    public Dictionary<SourcePartition, long> Committed { get; }

    public long Lag => _partitions.Select((p, i) => p.Values.Length - _position[i]).Sum();

    public static SourcePartition Partition(int number) => new(Guid.Empty, "test", number);

    public static byte[][] Utf8(IEnumerable<string> values) => [.. values.Select(Encoding.UTF8.GetBytes)];

    public SourceState Poll(RecordBatch batch, TimeSpan timeout)
    {
        if (_isPaused) return SourceState.Open;
        for (var tried = 0; tried < _partitions.Length; tried++)
        {
            var p = _turn++ % _partitions.Length;
            var (partition, values) = _partitions[p];
            for (var n = 0; n < _recordsPerPoll && _position[p] < values.Length && !batch.IsFull; n++)
                batch.Add(partition, _position[p], _timestampMs, values[_position[p]++]);
            if (batch.Count > 0) return SourceState.Open;
        }
        return SourceState.Ended;
    }

    public void Commit(IReadOnlyList<NextOffset> next)
    {
        lock (Committed)
        {
            foreach (var (partition, offset) in next) Committed[partition] = Math.Max(offset, Committed.GetValueOrDefault(partition));
        }
    }

    public void Describe(List<PartitionStanding> standings)
    {
        for (var p = 0; p < _partitions.Length; p++)
        {
            var (partition, values) = _partitions[p];
            var next = Volatile.Read(ref _position[p]);
            standings.Add(new PartitionStanding(partition, next == _first[p] ? -1 : next, next >= values.Length, IsHistory: false));
        }
    }

    public void Rewind()
    {
        for (var p = 0; p < _partitions.Length; p++) _position[p] = Committed.GetValueOrDefault(_partitions[p].Partition);
    }

    public void Pause(bool paused) => _isPaused = paused;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
