namespace ScrmStream.Pipeline;

/// <summary>Where a cell stands between memory and the store.</summary>
[Flags]
public enum CellFlags : ushort
{
    None = 0,
    /// <summary>The stored cell is in memory, or it is known that there is none.</summary>
    Loaded = 1,
    /// <summary>A load is under way.</summary>
    Requested = 2,
    /// <summary>The cell differs from the stored one.</summary>
    Dirty = 4,
    /// <summary>An event was attributed to it since the last flush.</summary>
    Touched = 8,
    /// <summary>Something changed on which membership in its island depends.</summary>
    Membership = 16,
    /// <summary>The identifier is in the list of nodes the next flush looks at.</summary>
    Listed = 32,
    /// <summary>When the flush began, its view was known to be that of a member or of nobody.</summary>
    KnownMember = 64,
    /// <summary>When the flush began, its view already named the customer it belongs to.</summary>
    SameCustomer = 128,
    /// <summary>Time has passed the moment of its next change; kept until the customer rooted here is published.</summary>
    Due = 256,
    /// <summary>The flush under way has written its first cell before it was resolved.</summary>
    FirstWritten = 512,
    /// <summary>
    /// Its cell and a neighbour's do not say the same of their link, and the event behind it is still to be read: whoever writes the cell
    /// before that publishes the island, for the event will find nothing left to do.
    /// </summary>
    Torn = 1024,
}

/// <summary>
/// What the deciding thread keeps for each identifier besides its identity: 40 bytes, for there may be many millions.
/// </summary>
public struct CellState
{
    /// <summary>The number of the stored cell's version; who wrote it, <see cref="CustomerState.Version"/> knows.</summary>
    public ulong VersionNumber;
    /// <summary>The stamp of the view last published or loaded; 0: none.</summary>
    public ulong ViewStamp;
    internal int Writer;
    /// <summary>Handle of the shard; 0: no events.</summary>
    public int Shard;
    /// <summary>Handle of the conclusion last published for the customer rooted here; 0: none.</summary>
    public int Conclusion;
    /// <summary>The customer last written to the identity map: node + 1; 0: not written or not known; -1: nobody.</summary>
    public int MappedTo;
    /// <summary>Where the flush under way has noted it, if it has: <see cref="FlushBuilder"/> checks.</summary>
    internal int Noted;
    public CellFlags Flags;
}
