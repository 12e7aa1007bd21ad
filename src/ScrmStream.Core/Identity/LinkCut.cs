namespace ScrmStream.Identity;

/// <summary>Why an edge joins nothing: the rule of identity that took it away, and what it saw. Numbers are nodes of the graph.</summary>
public abstract record LinkCut
{
    private LinkCut()
    {
    }

    /// <summary>Rule 2: no evidence of the edge is later than its latest unbind.</summary>
    /// <param name="AtMs">The latest unbind, Unix milliseconds.</param>
    /// <param name="By">The identifier that was unbound from all others; -1: the pair was.</param>
    public sealed record Unbound(long AtMs, int By) : LinkCut;

    /// <summary>Rule 3: the edge came more than <see cref="EvidenceGraph.BridgeDays"/> days after its bridge was first seen.</summary>
    /// <param name="FirstSeenMs">When the bridge was first seen, Unix milliseconds.</param>
    /// <param name="OrderMs">The edge's order time, Unix milliseconds.</param>
    public sealed record BridgeExpired(int Bridge, long FirstSeenMs, long OrderMs) : LinkCut;

    /// <summary>Rule 4: an end of the edge is in quarantine; its edges are kept and not used.</summary>
    /// <param name="Crowded">The identifier in quarantine.</param>
    /// <param name="NeighboursMax">The limit that it exceeds.</param>
    public sealed record Parked(int Crowded, int NeighboursMax) : LinkCut;

    /// <summary>Rule 4: the edge has a contact end, and strong edges connect too many identifiers around it.</summary>
    /// <param name="ComponentMax">The limit of identifiers.</param>
    public sealed record ParkedContact(int ComponentMax) : LinkCut;

    /// <summary>Rule 5: the union of both sides would have more values of one kind than a customer may have.</summary>
    /// <param name="Values">The values of that kind (and scope, where the limit is per scope) on both sides; more than the limit.</param>
    /// <param name="ValuesMax">The limit.</param>
    public sealed record OverLimit(IReadOnlyList<int> Values, int ValuesMax) : LinkCut;

    /// <summary>Rule 6: the devices are linked to several customers, so they join none of them by this edge.</summary>
    /// <param name="Devices">The one device, or all that are linked with each other.</param>
    /// <param name="Customers">The customers' root identifiers, at least two.</param>
    public sealed record SharedDevice(IReadOnlyList<int> Devices, IReadOnlyList<int> Customers) : LinkCut;
}
