using ScrmStream.Identity;

namespace ScrmStream.Pipeline.Timers;

/// <summary>How far the time of a process's own partitions has come.</summary>
public enum WatermarkState : byte
{
    /// <summary>It has nothing to say: it reads nothing, or is ending.</summary>
    None,
    /// <summary>It has not applied anything yet of a partition that has records, so it does not know: time stands still.</summary>
    Holding,
    /// <summary>The least time of the partitions that are being read.</summary>
    Active,
    /// <summary>Every partition has been at its end for some time; the greatest of their times. It counts while nobody is active.</summary>
    Idle,
    /// <summary>The run ends as of the greatest time that any process has met, whatever others are at.</summary>
    Final,
}

/// <summary>What one process says of the time.</summary>
/// <param name="Writer">The number no other process uses.</param>
/// <param name="IsAlone">No other process writes this namespace: what others have said is over.</param>
/// <param name="TimeMs">Unix milliseconds; it counts of <see cref="WatermarkState.Active"/> and <see cref="WatermarkState.Idle"/>.</param>
/// <param name="GreatestMs">
/// The greatest time it has met, which is kept for whoever ends a run: what was met before a restart counts too.
/// <see cref="long.MinValue"/>: none.
/// </param>
public readonly record struct WatermarkReport(ulong Writer, bool IsAlone, WatermarkState State, long TimeMs, long GreatestMs);

/// <summary>A stored timer that is due.</summary>
public readonly record struct DueTimer(IdentifierId Customer, long TimeMs);

/// <summary>
/// Stored timers and the common time of all processes. A timer is stored with the view whose next change it is, in one step
/// (<see cref="IViewStore.PublishAsync"/>: the place on the board with an empty name), so it can neither be lost nor outlive what it is
/// of. Implementations: Redis, memory. Calls may come from any thread.
/// </summary>
public interface ITimerStore
{
    /// <summary>
    /// Takes in what this process says, and gives the common watermark: the least time of the processes that are active, or where none is
    /// the greatest of the idle ones; it never goes back and survives everybody. A process that has not reported for 30 s is gone.
    /// </summary>
    /// <returns>Unix milliseconds; <see cref="long.MinValue"/> while nobody knows the time.</returns>
    /// <exception cref="StoreUnavailableException">The store did not answer within its limits.</exception>
    Task<long> AdvanceAsync(WatermarkReport report, CancellationToken cancel);

    /// <summary>
    /// The stored timers of some buckets (<see cref="IdentifierId.Bucket"/>) that are due, the earliest of each bucket first.
    /// </summary>
    /// <param name="nextMs">Takes for each of <paramref name="buckets"/> the time of its first timer that was not given;
    /// <see cref="long.MaxValue"/>: there is none.</param>
    /// <param name="perBucketMax">At most so many of a bucket.</param>
    /// <exception cref="StoreUnavailableException">The store did not answer within its limits.</exception>
    Task<List<DueTimer>> DueAsync(IReadOnlyList<int> buckets, long untilMs, int perBucketMax, long[] nextMs, CancellationToken cancel);
}
