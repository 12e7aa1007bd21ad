namespace ScrmStream.Identity;

/// <summary>One step on the way from one identifier to another. Numbers are nodes and an edge of the graph.</summary>
/// <param name="Cut">Null: the edge is one of those that make its ends one customer. Else the rule that keeps it from that.</param>
public sealed record ExplainedLink(int From, int To, int Edge, LinkCut? Cut);

/// <summary>Why two identifiers are one customer, or why they are not. Immutable.</summary>
/// <param name="Links">
/// Of one customer: the edges that make it one, in order from the first identifier to the second. Of two: the way with the fewest cut
/// edges, over evidence that counts where there is such a way, with the cut ones among it; empty when no evidence connects them.
/// </param>
public sealed record IdentityExplanation(bool IsOneCustomer, IReadOnlyList<ExplainedLink> Links)
{
    /// <summary>The links that are cut; none when the two are one customer or nothing connects them.</summary>
    public IEnumerable<ExplainedLink> Cuts => Links.Where(l => l.Cut is not null);
}
