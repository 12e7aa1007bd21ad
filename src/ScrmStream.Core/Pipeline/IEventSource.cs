using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>What a poll found.</summary>
public enum SourceState : byte
{
    /// <summary>More may come at once.</summary>
    Open,
    /// <summary>Every assigned partition is at its end; more may come later.</summary>
    Idle,
    /// <summary>The source is finite and read to its end.</summary>
    Ended,
}

/// <summary>The next offset to read of a partition: everything before it is durable.</summary>
public readonly record struct NextOffset(SourcePartition Partition, long Offset);

/// <summary>How far a source has read one of its partitions.</summary>
/// <param name="TakenNext">One more than the offset of the last record handed over; -1: none yet.</param>
/// <param name="IsAtEnd">There was nothing more to read.</param>
/// <param name="IsHistory">What it holds is long past, and says nothing about what time it is.</param>
public readonly record struct PartitionStanding(SourcePartition Partition, long TakenNext, bool IsAtEnd, bool IsHistory);

/// <summary>
/// Where records come from. Implementations: Kafka, files. <see cref="Poll"/> is called by one thread;
/// <see cref="Commit"/> may be called by another.
/// </summary>
public interface IEventSource : IAsyncDisposable
{
    /// <summary>Adds records until the batch is full or the time is over; blocks no longer than that.</summary>
    /// <exception cref="StoreUnavailableException">The source cannot be read and retrying will not help.</exception>
    SourceState Poll(RecordBatch batch, TimeSpan timeout);

    /// <summary>Notes that all records before these offsets are durable in every sink.</summary>
    void Commit(IReadOnlyList<NextOffset> next);

    /// <summary>
    /// Stops or resumes fetching while <see cref="Poll"/> goes on being called (long back-pressure). A paused source adds no record.
    /// </summary>
    void Pause(bool paused);

    /// <summary>
    /// Goes back, in every partition, to the first record that is not committed. Called while no poll runs and after the last commit.
    /// </summary>
    void Rewind();

    /// <summary>
    /// Adds how far each of its partitions has been read; adds nothing where it cannot say. Calls may come from any thread.
    /// </summary>
    void Describe(List<PartitionStanding> standings)
    {
    }

    /// <summary>Records behind the ends of the assigned partitions, or -1 when unknown.</summary>
    long Lag { get; }
}
