using ScrmStream.Identity;

namespace ScrmStream.Pipeline;

/// <summary>What an identifier is to a reader.</summary>
public enum ViewForm : byte
{
    /// <summary>It belongs to no customer; the view keeps only its vector.</summary>
    Empty,
    /// <summary>It belongs to the customer rooted elsewhere: <c>merged_into</c>.</summary>
    Merged,
    /// <summary>It is the root identifier of a customer.</summary>
    Customer,
}

/// <summary>
/// One view to publish. The version vectors decide whether it is taken; an <see cref="ExpectedStamp"/> that is the stored one only saves
/// writing what is there already. Ids are distinct within a call, and no field name appears twice in a list.
/// </summary>
public struct ViewWrite
{
    public IdentifierId Id;
    public ViewForm Form;
    /// <summary>Of a <see cref="ViewForm.Merged"/> view: the customer.</summary>
    public IdentifierId MergedInto;
    /// <summary>Stamp of the view this writer last saw stored; 0: none.</summary>
    public ulong ExpectedStamp;
    /// <summary>The stamp of this view, unique to this publication, never 0.</summary>
    public ulong Stamp;
    /// <summary>
    /// The cells it was derived from: 24 bytes each, id (16, big endian) and version number (8, big endian), in order of id. Empty when
    /// it was derived while this process wrote alone: then it can be published only while that lasts.
    /// </summary>
    public ArenaRange Vector;
    /// <summary>
    /// <see cref="IViewStore.WriterEpoch"/> when the flush of this view began, 0 where it is not known. A process that wrote alone since
    /// then left no vectors to compare with, so what was derived before is refused.
    /// </summary>
    public ulong Epoch;
    /// <summary>Field list of the hash (all public fields, whole).</summary>
    public ArenaRange Fields;
    /// <summary>Field list tag -> value, all tags the customer has.</summary>
    public ArenaRange Tags;
    /// <summary>Field list tag -> Unix milliseconds (as text) at which an expiring tag ends.</summary>
    public ArenaRange TagExpiry;
    /// <summary>
    /// Field list score name -> rank (as text); a value "-" takes the customer off that board. The board without a name is that of the
    /// timers: its ranks are the times (Unix milliseconds) of the customers' next changes.
    /// </summary>
    public ArenaRange Ranks;
    /// <summary>The conclusion in its stored form; given back by <see cref="ICellStore.LoadAsync"/>.</summary>
    public ArenaRange Conclusion;
    /// <summary>False: the tags are those of the view with <see cref="ExpectedStamp"/> and need no write when that one is stored.</summary>
    public bool TagsChanged;
    /// <summary>False: the same of <see cref="TagExpiry"/>.</summary>
    public bool TagExpiryChanged;
}

/// <summary>Publishes what readers see. Implementations: Redis, memory. Calls may come from any thread.</summary>
public interface IViewStore
{
    /// <summary>
    /// Publishes views, and returns the indexes of those refused because the stored vector is higher somewhere (a missing entry is 0), or
    /// because their epoch is over and this process does not write alone.
    /// A view that changes form loses every field, tag and board place of its old form.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The outcome is unknown; any of the views may have been written.</exception>
    Task<IReadOnlyList<int>> PublishAsync(IReadOnlyList<ViewWrite> views, ByteArena arena, CancellationToken cancel);

    /// <summary>
    /// True while no other process writes this namespace: then a view that this process published and that is still right need not be
    /// published again, and a view needs no vector. When that ends, the store refuses what is published next, and the caller starts
    /// from freshly read cells.
    /// </summary>
    bool IsSoleWriter { get; }

    /// <summary>Grows whenever one process or another begins to write alone, or that ends; 0 where that is not known.</summary>
    ulong WriterEpoch { get; }

    /// <summary>
    /// The greatest epoch before <see cref="WriterEpoch"/> in which rows went ahead of their cells (<see cref="GoAheadAsync"/>): verdicts
    /// of it may be stored in ClickHouse and not in the cells. Where that is not known, the epoch before.
    /// </summary>
    ulong AheadBefore => WriterEpoch - Math.Min(WriterEpoch, 1);

    /// <summary>
    /// Notes that rows go ahead of their cells in this epoch, before the first does. False: this process does not write alone.
    /// </summary>
    Task<bool> GoAheadAsync(CancellationToken cancel) => Task.FromResult(IsSoleWriter);

    /// <summary>Distinct identifiers, customers, and tags over all customers, counted in the store.</summary>
    Task<StoreTotals> CountAsync(CancellationToken cancel);
}

/// <summary>What a store holds.</summary>
public readonly record struct StoreTotals(long Identifiers, long Customers, long Tags);
