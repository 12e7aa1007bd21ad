using ScrmStream.Identity;

namespace ScrmStream.Pipeline.Reload;

/// <summary>A stored cell (the layout of <see cref="CellCodec"/>), and whose it is.</summary>
public readonly record struct IdentifierCell(IdentifierId Id, byte[] Cell);

/// <summary>
/// Keeps the rules in force, and who goes through which part of all customers after a change. The store that cells and views are written
/// to: from the step on that puts rules in force, it refuses every write of a process that works by others, in the same way in
/// which it refuses writes of one that no longer is alone. Implementations: Redis, memory. Calls may come from any thread.
/// </summary>
public interface IRuleStore
{
    /// <summary>A write was refused because other rules are in force than those taken.</summary>
    bool AreOver { get; }

    /// <summary>What is in force; null: nothing ever was.</summary>
    /// <exception cref="StoreUnavailableException">The store did not answer within its limits.</exception>
    Task<RulesInForce?> ReadAsync(CancellationToken cancel);

    /// <summary>The number of the rules in force (0: none), and whether all customers have followed them.</summary>
    /// <inheritdoc cref="ReadAsync" path="/exception"/>
    Task<(long Number, bool IsSwept)> LookAsync(CancellationToken cancel);

    /// <summary>
    /// Puts rules in force whose number is one more than that of those in force. False: others came first, nothing was changed.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The outcome is unknown; the same call again settles it.</exception>
    Task<bool> PublishAsync(RulesInForce rules, CancellationToken cancel);

    /// <summary>From now on this process writes under the rules of this number, or not at all.</summary>
    /// <inheritdoc cref="ReadAsync" path="/exception"/>
    Task TakeAsync(long number, CancellationToken cancel);

    /// <summary>
    /// Claims a part for some tens of seconds: the one that the process has already, else one that nobody works on or whose process is
    /// gone. Two may come to have the same part; going through it twice does no harm.
    /// </summary>
    /// <param name="isAlone">No other process writes: what others have claimed is void.</param>
    /// <inheritdoc cref="ReadAsync" path="/exception"/>
    Task<SweepPart> ClaimAsync(RulesInForce rules, ulong writer, bool isAlone, CancellationToken cancel);

    /// <summary>Notes a part as done; with the last one all customers have followed.</summary>
    /// <param name="left">Shards of it that lack events.</param>
    /// <inheritdoc cref="ReadAsync" path="/exception"/>
    Task DoneAsync(RulesInForce rules, int part, long left, CancellationToken cancel);

    /// <summary>Parts that are done, of the rules of a number.</summary>
    /// <inheritdoc cref="ReadAsync" path="/exception"/>
    Task<int> PartsDoneAsync(RulesInForce rules, CancellationToken cancel);

    /// <summary>The identifiers of some buckets that have cells.</summary>
    /// <inheritdoc cref="ReadAsync" path="/exception"/>
    Task<IReadOnlyList<IdentifierId>> IdentifiersAsync(int firstBucket, int buckets, CancellationToken cancel);

    /// <summary>The cells of some buckets, each with its identifier: at a fraction of what asking for each of them costs.</summary>
    /// <inheritdoc cref="ReadAsync" path="/exception"/>
    Task<IReadOnlyList<IdentifierCell>> CellsAsync(int firstBucket, int buckets, CancellationToken cancel);
}
