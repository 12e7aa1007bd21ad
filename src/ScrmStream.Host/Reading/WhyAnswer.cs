using System.Globalization;
using ScrmStream.ClickHouse;
using ScrmStream.Identity;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Reading;

/// <summary>One of the two identifiers asked about.</summary>
/// <param name="Customer">Id of its customer; null: nobody's.</param>
internal sealed record WhyEnd(string Identifier, string? Customer);

/// <summary>Where the event is that first showed a link.</summary>
/// <param name="PartitionId">Hash of topic id, topic and partition, 16 hex digits, as the cells keep it.</param>
/// <param name="Event">Null, like topic and partition, where ClickHouse was not asked or does not have it.</param>
internal sealed record WhyEvent(string? Event, string? Topic, int? Partition, string PartitionId, long Offset, int Index);

/// <summary>The rule that keeps a link from joining its ends, as a word and as a sentence.</summary>
internal sealed record WhyCut(string Rule, string Why);

/// <summary>One link of the way. Times are Unix milliseconds; the last may be older than the latest event that named both.</summary>
internal sealed record WhyLink(string From, string To, bool Joins, long FirstTime, long LastTime, WhyEvent ShownBy, WhyCut? Cut);

/// <summary>What <c>why</c> answers; its names are a contract.</summary>
/// <param name="Reason">Null for one customer.</param>
internal sealed record WhyAnswer(bool OneCustomer, WhyEnd A, WhyEnd B, IReadOnlyList<WhyLink> Path, string? Reason)
{
    /// <param name="clickHouse">Knows the events; null: their coordinates alone are given.</param>
    /// <param name="warn">Is told when ClickHouse does not help.</param>
    public static async Task<WhyAnswer> OfAsync(
        IdentityPair pair, ClickHouseClient? clickHouse, Action<string> warn, CancellationToken cancel)
    {
        var links = pair.Explanation?.Links ?? [];
        Dictionary<EvidenceSource, SourceEvent> events = [];
        var reason = pair.Explanation is { IsOneCustomer: true } ? null : FirstReason(pair);
        try
        {
            if (clickHouse is not null) events = await SourceEvents.FindAsync(clickHouse, Evidence(pair, links), cancel);
            if (clickHouse is not null && reason is not null && links.Count == 0)
                reason = await UnverifiedAsync(pair, clickHouse, cancel) ?? reason;
        }
        catch (Exception e) when (e is StoreUnavailableException or ClickHouseException)
        {
            warn($"events are given by their coordinates alone: {e.Message}");
        }
        return new WhyAnswer(
            reason is null, new WhyEnd(pair.NameA, pair.CustomerOf(pair.A)), new WhyEnd(pair.NameB, pair.CustomerOf(pair.B)),
            [.. links.Select(l => LinkOf(pair, l, events))], reason);
    }

    private static string FirstReason(IdentityPair pair)
    {
        if (pair.Explanation?.Cuts.FirstOrDefault() is { } cut)
            return $"{pair.NameOf(cut.From)} -- {pair.NameOf(cut.To)}: {CutText.Why(cut.Cut!, pair.Graph.Nodes)}";
        if (pair.AreKnown)
            return "no evidence connects them: no chain of events names them together, unless over several identifiers in quarantine";
        var unknown = pair.A < 0 ? pair.NameA : pair.NameB;
        return $"no event with {unknown} was accepted: kind, scope and value have to be as the events name them";
    }

    // Cells hold verified identifiers only; what staff typed is known to the rows of events.
    private static async Task<string?> UnverifiedAsync(IdentityPair pair, ClickHouseClient clickHouse, CancellationToken cancel)
    {
        foreach (var (text, other) in ((string, string)[])[(pair.NameA, pair.NameB), (pair.NameB, pair.NameA)])
        {
            var together = await SourceEvents.CountUnverifiedAsync(clickHouse, text, other, cancel);
            if (together == 0) continue;
            return $"an unverified identifier never links: {together.ToString("N0", CultureInfo.InvariantCulture)} events name both, "
                + $"with {text} marked verified: false";
        }
        return null;
    }

    private static List<(long TimeMs, EvidenceSource Source)> Evidence(IdentityPair pair, IReadOnlyList<ExplainedLink> links) =>
        [.. links.Select(link => (pair.Graph.Edge(link.Edge).FirstMs, pair.Graph.Source(link.Edge)))];

    private static WhyLink LinkOf(IdentityPair pair, ExplainedLink link, Dictionary<EvidenceSource, SourceEvent> events)
    {
        ref var edge = ref pair.Graph.Edge(link.Edge);
        var source = pair.Graph.Source(link.Edge);
        var found = events.GetValueOrDefault(source);
        var shownBy = new WhyEvent(
            found?.Event, found?.Topic, found?.Partition, source.Partition.ToString("x16", CultureInfo.InvariantCulture),
            source.Offset, source.Index);
        var cut = link.Cut is null ? null : new WhyCut(CutText.Rule(link.Cut), CutText.Why(link.Cut, pair.Graph.Nodes));
        return new WhyLink(
            pair.NameOf(link.From), pair.NameOf(link.To), link.Cut is null, edge.FirstMs, edge.LastMs, shownBy, cut);
    }
}
