using Confluent.Kafka;
using ScrmStream.Events;

namespace ScrmStream.Kafka;

/// <summary>How far one assigned partition has been read and stored.</summary>
internal sealed class AssignedPartition(SourcePartition source, RecordFormat format)
{
    public SourcePartition Source { get; } = source;
    public TopicPartition Name { get; } = new(source.Topic, source.Partition);
    /// <summary>What the configuration says of its topic; records' headers come first.</summary>
    public RecordFormat Format { get; } = format;
    /// <summary>The next offset to hand over; -1 until the first record or end was seen.</summary>
    public long Next { get; set; } = -1;
    /// <summary>The offset last committed or stored for commit; -1: none.</summary>
    public long Stored { get; set; } = -1;
    /// <summary>One more than the offset of the last record handed over; -1: none yet.</summary>
    public long Taken { get; set; } = -1;
    public bool IsAtEnd { get; set; }
}

/// <summary>
/// The partitions this process has now. The poll thread changes it, inside the balancing calls; the committing thread reads it,
/// so every member takes the lock.
/// </summary>
/// <param name="formats">Of topics; the others' records are told by their bytes.</param>
internal sealed class AssignedPartitions(IReadOnlyDictionary<string, RecordFormat> formats)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string, int), AssignedPartition> _partitions = [];
    // The same partition assigned again is the same source, so what is cached per source goes on being used.
    private readonly Dictionary<(Guid, string, int), SourcePartition> _sources = [];

    /// <param name="stored">The committed offset, or -1.</param>
    public void Add(Guid topicId, TopicPartition name, long stored)
    {
        var (topic, partition) = (name.Topic, name.Partition.Value);
        lock (_gate)
        {
            if (!_sources.TryGetValue((topicId, topic, partition), out var source))
            {
                source = new SourcePartition(topicId, topic, partition);
                _sources.Add((topicId, topic, partition), source);
            }
            source.Assigned();
            _partitions[(topic, partition)] = new AssignedPartition(source, formats.GetValueOrDefault(topic)) { Stored = stored };
        }
    }

    public void Remove(TopicPartition partition)
    {
        lock (_gate) _partitions.Remove((partition.Topic, partition.Partition.Value));
    }

    public AssignedPartition? Find(string topic, int partition)
    {
        lock (_gate) return _partitions.GetValueOrDefault((topic, partition));
    }

    /// <summary>A copy, for the slow paths.</summary>
    public List<AssignedPartition> ToList()
    {
        lock (_gate) return [.. _partitions.Values];
    }

    public List<TopicPartition> Names() => ToList().ConvertAll(p => p.Name);

    /// <summary>Nothing assigned is not the end: the assignment may still be on its way.</summary>
    public bool AreAllAtEnd()
    {
        lock (_gate)
        {
            foreach (var partition in _partitions.Values)
            {
                if (!partition.IsAtEnd) return false;
            }
            return _partitions.Count > 0;
        }
    }
}
