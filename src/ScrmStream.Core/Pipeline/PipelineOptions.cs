using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline;

/// <summary>How the pipeline moves. Settable at the edge, validated at start, then only read.</summary>
public sealed class PipelineOptions
{
    public EventLimits Limits { get; set; } = new();
    public IdentityOptions Identity { get; set; } = new();

    /// <summary>Records of one batch. Default 4,096, range 16 to 65,536.</summary>
    public int BatchRecordsMax { get; set; } = 4096;
    /// <summary>Bytes of one batch's records; one record may exceed it. Default 4 MiB, range 64 KiB to 64 MiB.</summary>
    public int BatchBytesMax { get; set; } = 4 * 1024 * 1024;
    /// <summary>Batches between poll and commit: the bound of the process's buffers. Default 48, range 8 to 4,096.</summary>
    public int BatchesInFlightMax { get; set; } = 48;
    /// <summary>Batches whose rows make one insert into ClickHouse. Default 32, range 1 to 256.</summary>
    public int InsertBatches { get; set; } = 32;
    /// <summary>Decode lanes. Default 1, range 1 to 16.</summary>
    public int DecodeLanes { get; set; } = 1;
    /// <summary>Batches whose cells are asked for ahead of the one being decided. Default 4, range 1 to 16.</summary>
    public int PrefetchBatches { get; set; } = 4;
    /// <summary>Events of one flush. Default 2,000,000, range 1 to 10,000,000.</summary>
    public int FlushEventsMax { get; set; } = 2_000_000;
    /// <summary>How long an event waits for its flush when nothing else is to be read. Default 250 ms.</summary>
    public TimeSpan FlushInterval { get; set; } = TimeSpan.FromMilliseconds(250);
    /// <summary>
    /// How long an event waits for its flush under backlog at most, when a flush coalesces more: as long as the stream is behind.
    /// Default 20 s.
    /// </summary>
    public TimeSpan FlushIntervalUnderBacklog { get; set; } = TimeSpan.FromSeconds(20);
    /// <summary>How long one poll waits for records. Default 100 ms.</summary>
    public TimeSpan PollTimeout { get; set; } = TimeSpan.FromMilliseconds(100);
    /// <summary>How long a stop may take to flush what was read. Default 40 s; what is not flushed then is read again.</summary>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(40);
    /// <summary>event_ids remembered per anchor to drop a producer's repeats. Default 64, range 1 to 1,024.</summary>
    public int EventIdRing { get; set; } = 64;
    /// <summary>
    /// Identifiers kept in memory; beyond it memory is emptied after a flush and read again as needed. Default 5,000,000.
    /// </summary>
    public int IdentifiersInMemoryMax { get; set; } = 5_000_000;

    /// <summary>The share of bad events from which on it is a flood. Default 0.9, range 0.01 to 1.</summary>
    public double FloodShare { get; set; } = 0.9;
    /// <summary>How long a flood lasts before it raises the alarm and slows reading down. Default 10 s, range 0.1 s to 1 h.</summary>
    public TimeSpan FloodAfter { get; set; } = TimeSpan.FromSeconds(10);
    /// <summary>Records read per second while a flood lasts; 0: reading is not slowed down. Default 1,000, range 0 to 1,000,000.</summary>
    public int FloodRecordsPerSecond { get; set; } = 1000;

    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range; the message names it.</exception>
    public void Validate()
    {
        Limits.Validate();
        Identity.Validate();
        Check(BatchRecordsMax, 16, 65_536, nameof(BatchRecordsMax));
        Check(BatchBytesMax, 64 * 1024, 64 * 1024 * 1024, nameof(BatchBytesMax));
        Check(BatchesInFlightMax, 8, 4096, nameof(BatchesInFlightMax));
        Check(InsertBatches, 1, 256, nameof(InsertBatches));
        Check(DecodeLanes, 1, 16, nameof(DecodeLanes));
        Check(PrefetchBatches, 1, 16, nameof(PrefetchBatches));
        Check(FlushEventsMax, 1, 10_000_000, nameof(FlushEventsMax));
        Check(EventIdRing, 1, 1024, nameof(EventIdRing));
        Check(IdentifiersInMemoryMax, 1000, 100_000_000, nameof(IdentifiersInMemoryMax));
        Check(FloodRecordsPerSecond, 0, 1_000_000, nameof(FloodRecordsPerSecond));
        if (FloodShare is not (>= 0.01 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(FloodShare), FloodShare, "Pipeline:FloodShare must be from 0.01 to 1.");
        if (FloodAfter < TimeSpan.FromSeconds(0.1) || FloodAfter > TimeSpan.FromHours(1))
            throw new ArgumentOutOfRangeException(nameof(FloodAfter), FloodAfter, "Pipeline:FloodAfter must be from 0.1 s to 1 h.");
    }

    private static void Check(int value, int min, int max, string name)
    {
        if (value < min || value > max) throw new ArgumentOutOfRangeException(name, value, $"Pipeline:{name} must be from {min} to {max}.");
    }
}
