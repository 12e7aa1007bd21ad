namespace ScrmStream.Events;

/// <summary>
/// Under which writer epoch the verdict on an event was found, as its row has it: of two rows of one event that of the higher epoch holds.
/// The lowest bit says whether one process alone judged then, whose rows go ahead of its cells: such a verdict is final only when the cells
/// are stored too. Among several the cells are stored first.
/// </summary>
public static class RowEpoch
{
    /// <summary>Of a verdict that is no longer known: it overrules none.</summary>
    public const ulong Forgotten = 0;

    /// <param name="writerEpoch">0 where there are none: on a cluster.</param>
    public static ulong Of(ulong writerEpoch, bool isAlone) => 2 * (writerEpoch + 1) + (isAlone ? 1UL : 0);

    /// <summary>No writer epoch of rows of this epoch is higher.</summary>
    public static ulong WriterEpochMax(ulong rowEpoch) => rowEpoch / 2;

    /// <summary>
    /// Whether a stored row may stand for one of the same verdict found later: not if a process may have judged alone in between. Frozen
    /// with its rows encoded, it could show the other verdict over this one.
    /// </summary>
    /// <param name="aheadBefore">The last writer epoch before the later one in which rows went ahead of their cells.</param>
    public static bool MayStand(ulong stored, ulong aheadBefore) =>
        stored != Forgotten && ((stored & 1) == 0 || aheadBefore < stored / 2);
}
