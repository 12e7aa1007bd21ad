using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.TestKit.Simulation;

namespace ScrmStream.Tests.Simulation;

/// <summary>Errors that delivery could have, each put into what stands around the pipeline; the simulation has to find every one.</summary>
internal enum KnownBug
{
    None,
    /// <summary>A record that its shard has already is skipped with all that it would write again.</summary>
    SkippedRepeats,
    /// <summary>Offsets are committed when records are read.</summary>
    CommitBeforeFlush,
    UnguardedViews,
    UncomparedCells,
    NoEpochFence,
    /// <summary>Rows are not written again when there was no answer.</summary>
    RowsNotRepeated,
    /// <summary>Offsets wait for Redis alone.</summary>
    WatermarkOverOneSink,
    LettersDropped,
    /// <summary>Processes learn of other rules by the way only.</summary>
    UnfencedRules,
    /// <summary>A view without an answer is sent again, and whoever wrote alone meanwhile left nothing to compare it with.</summary>
    AgelessViews,
}

internal static class KnownBugs
{
    public static RedisBugs InRedis(this KnownBug bug) => bug switch
    {
        KnownBug.UnguardedViews => RedisBugs.UnguardedViews,
        KnownBug.UncomparedCells => RedisBugs.UncomparedCells,
        KnownBug.NoEpochFence => RedisBugs.NoEpochFence,
        KnownBug.UnfencedRules => RedisBugs.UnfencedRules,
        KnownBug.AgelessViews => RedisBugs.AgelessViews,
        _ => RedisBugs.None,
    };

    public static ClickHouseBugs InClickHouse(this KnownBug bug) => bug switch
    {
        KnownBug.RowsNotRepeated => ClickHouseBugs.NotRepeated,
        KnownBug.WatermarkOverOneSink => ClickHouseBugs.NotAwaited,
        KnownBug.LettersDropped => ClickHouseBugs.LettersDropped,
        _ => ClickHouseBugs.None,
    };

    public static IEventSource Around(this KnownBug bug, IEventSource source, MemoryCellStore cells, SimulatedWork work) => bug switch
    {
        KnownBug.CommitBeforeFlush => new CommitsAtPoll(source),
        KnownBug.SkippedRepeats => new SkipsRepeats(source, cells, work.Identity),
        _ => source,
    };
}
