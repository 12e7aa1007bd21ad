using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.Host.Reading;

/// <summary>Rules of identity in words: why an edge joins nothing.</summary>
internal static class CutText
{
    /// <summary>The rule as programs read it.</summary>
    public static string Rule(LinkCut cut) => cut switch
    {
        LinkCut.Unbound => "unbound",
        LinkCut.BridgeExpired => "bridge_expired",
        LinkCut.Parked => "quarantined",
        LinkCut.ParkedContact => "component_too_large",
        LinkCut.OverLimit => "over_limit",
        LinkCut.SharedDevice => "shared_device",
        _ => throw new ArgumentOutOfRangeException(nameof(cut), cut, "This rule has no word."),
    };

    /// <summary>One sentence without its full stop.</summary>
    public static string Why(LinkCut cut, IdentifierTable nodes) => cut switch
    {
        LinkCut.Unbound { By: -1 } u => $"unbound at {TimeText.Show(u.AtMs)} by identity_unbind of the two; no later event names both",
        LinkCut.Unbound u => $"unbound at {TimeText.Show(u.AtMs)} by identity_unbind of {nodes.TextOf(u.By)} alone; "
            + "no later event names both",
        LinkCut.BridgeExpired e => $"bridge expired: {nodes.TextOf(e.Bridge)} was first seen at {TimeText.Show(e.FirstSeenMs)}, the link "
            + $"counts from {TimeText.Show(e.OrderMs)}, more than {EvidenceGraph.BridgeDays} days later",
        LinkCut.Parked p => $"quarantined: {nodes.TextOf(p.Crowded)} was met with more than {p.NeighboursMax} identifiers; "
            + "its links are kept and not used (identities release takes it out)",
        LinkCut.ParkedContact p => $"component too large: strong links connect more than {p.ComponentMax} identifiers, so its links of "
            + "phones and addresses are not used",
        LinkCut.OverLimit o => $"refused: the union would break the limit of {Limit(o, nodes)}: {Texts(o.Values, nodes)}",
        LinkCut.SharedDevice { Devices.Count: 1 } s => $"shared device: {nodes.TextOf(s.Devices[0])} is linked to the customers of "
            + $"{Texts(s.Customers, nodes)} and belongs to nobody",
        LinkCut.SharedDevice s => $"shared devices: {Texts(s.Devices, nodes)} are linked with each other and to the customers of "
            + $"{Texts(s.Customers, nodes)}, so each decides alone",
        _ => throw new ArgumentOutOfRangeException(nameof(cut), cut, "This rule has no words."),
    };

    private static string Limit(LinkCut.OverLimit cut, IdentifierTable nodes)
    {
        var kind = nodes[cut.Values[0]].Kind;
        var values = cut.ValuesMax == 1 ? $"one {kind.Word()}" : $"{cut.ValuesMax} values of {kind.Word()}";
        if (!nodes.Kinds.IsPerScope(kind)) return $"{values} per customer";
        var scope = System.Text.Encoding.UTF8.GetString(IdentifierText.Scope(nodes.Text(cut.Values[0]), kind));
        return $"{values} per scope {(scope.Length == 0 ? "(empty)" : scope)}";
    }

    private static string Texts(IEnumerable<int> found, IdentifierTable nodes) => string.Join(" and ", found.Select(nodes.TextOf));
}
