using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>
/// What the process knows of one identifier's identity: one cache line, for there may be many millions. -1 means "none" in every index
/// field; times are Unix milliseconds.
/// </summary>
public struct IdentifierNode
{
    public UInt128 Id;
    /// <summary>Earliest event that named it; <see cref="long.MaxValue"/> before any.</summary>
    public long FirstSeenMs;
    internal uint TextAt;
    internal ushort TextLength;
    public IdentifierKind Kind;
    private NodeFlags _flags;
    /// <summary>What its values are limited by: its kind and scope, or its kind alone; -1 when unlimited.</summary>
    public int LimitGroup;
    public int FirstEdge, EdgeCount;
    /// <summary>Union-find over all evidence: the parent, or at the top minus the number of members.</summary>
    public int IslandParent;
    /// <summary>The next member of the island; a ring.</summary>
    public int IslandNext;
    /// <summary>Root identifier of its customer; -1: nobody's.</summary>
    public int Root;
    /// <summary>The next identifier of the customer; a ring.</summary>
    public int CustomerNext;
    /// <summary>The resolver's index of the node while it works on the node's island.</summary>
    internal int Local;

    /// <summary>At least one event is attributed to it.</summary>
    public bool HasEvents { readonly get => Has(NodeFlags.HasEvents); set => Set(NodeFlags.HasEvents, value); }
    /// <summary>Rule 4: too many identifiers were met with it; its edges are kept and not used.</summary>
    public bool IsParked { readonly get => Has(NodeFlags.Parked); set => Set(NodeFlags.Parked, value); }
    /// <summary>A decision of people took it out of quarantine.</summary>
    public bool IsReleased { readonly get => Has(NodeFlags.Released); set => Set(NodeFlags.Released, value); }
    /// <summary>Quarantine took it or let it go, and not all whom that concerns are published; kept in its cell.</summary>
    public bool IsUnsettled { readonly get => Has(NodeFlags.Unsettled); set => Set(NodeFlags.Unsettled, value); }
    /// <summary>The same, and the flush under way publishes them.</summary>
    public bool IsSettling { readonly get => Has(NodeFlags.Settling); set => Set(NodeFlags.Settling, value); }
    /// <summary>It was unbound; when, <see cref="IdentifierTable.UnboundMs"/> knows.</summary>
    internal bool IsUnbound { readonly get => Has(NodeFlags.Unbound); set => Set(NodeFlags.Unbound, value); }

    private readonly bool Has(NodeFlags flag) => (_flags & flag) != 0;

    private void Set(NodeFlags flag, bool value) => _flags = value ? _flags | flag : _flags & ~flag;

    [Flags]
    private enum NodeFlags : byte
    {
        HasEvents = 1, Parked = 2, Released = 4, Unsettled = 8, Settling = 16, Unbound = 32,
    }
}
