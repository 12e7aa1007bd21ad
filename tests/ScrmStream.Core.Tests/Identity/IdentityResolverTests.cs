using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;
using static ScrmStream.Tests.Identity.SlowIdentity;

namespace ScrmStream.Tests.Identity;

public sealed class IdentityResolverTests
{
    internal static readonly Id[] Universe =
    [
        new(IdentifierKind.UnionId, "w", "u1"), new(IdentifierKind.UnionId, "w", "u2"), new(IdentifierKind.MemberId, "s", "m1"),
        new(IdentifierKind.OpenId, "a", "o1"), new(IdentifierKind.OpenId, "a", "o2"), new(IdentifierKind.OpenId, "b", "o3"),
        new(IdentifierKind.Phone, "", "p1"), new(IdentifierKind.Phone, "", "p2"), new(IdentifierKind.Phone, "", "p3"), new(IdentifierKind.Phone, "", "p4"),
        new(IdentifierKind.PendingId, "c", "x1"), new(IdentifierKind.DeviceId, "app", "d1"), new(IdentifierKind.Cookie, "web", "c1"),
        new(IdentifierKind.Cookie, "web", "c2"),
    ];

    /// <summary>Random small worlds against the rules written out naively, each in two orders with repeats.</summary>
    [Fact]
    public void Resolve_RandomEvidenceInAnyOrder_EqualsTheRulesWrittenOut()
    {
        for (var seed = 0; seed < 3000; seed++)
        {
            var random = new Random(seed);
            var events = RandomEvents(random);
            var expected = Customers(events);
            var shuffled = events.Concat(events.Where(_ => random.Next(4) == 0)).ToArray();
            random.Shuffle(shuffled);
            AssertSame(expected, Engine(events, random), seed);
            AssertSame(expected, Engine(shuffled, random), seed);
        }
    }

    [Fact]
    public void Resolve_SharedTablet_BelongsToNobody()
    {
        var tablet = new Id(IdentifierKind.DeviceId, "shop", "tablet");
        Sighting[] events =
        [
            new(1, [Universe[0], tablet]), new(2, [Universe[1], tablet]), new(3, [tablet]),
        ];
        var customers = Engine(events, new Random(1));
        Assert.Equal(["device_id:shop:tablet"], customers["device_id:shop:tablet"]);
        Assert.Equal(3, customers.Count);
    }

    [Fact]
    public void Resolve_FourthPhone_IsRefused()
    {
        var events = Enumerable.Range(6, 4).Select(i => new Sighting(i, [Universe[0], Universe[i]])).ToArray();
        var customers = Engine(events, new Random(1));
        Assert.Equal(["phone::p1", "phone::p2", "phone::p3", "unionid:w:u1"], customers["unionid:w:u1"]);
    }

    private static void AssertSame(SortedDictionary<string, string[]> expected, SortedDictionary<string, string[]> actual, int seed)
    {
        static string Print(SortedDictionary<string, string[]> c) => string.Join("\n", c.Select(x => $"{x.Key} = {string.Join(' ', x.Value)}"));
        Assert.True(Print(expected) == Print(actual), $"seed {seed}\nexpected\n{Print(expected)}\nactual\n{Print(actual)}");
    }

    internal static Sighting[] RandomEvents(Random random)
    {
        const long Day = 24L * 3600 * 1000;
        var ids = random.GetItems(Universe, random.Next(3, 11)).Distinct().ToArray();
        var events = new Sighting[random.Next(1, 15)];
        for (var i = 0; i < events.Length; i++)
        {
            var unbind = random.Next(6) == 0;
            var named = random.GetItems(ids, unbind ? random.Next(1, 3) : random.Next(1, 4)).Distinct().ToArray();
            events[i] = new Sighting(random.Next(1, 8) * 30 * Day, named, unbind);
        }
        return events;
    }

    private static SortedDictionary<string, string[]> Engine(Sighting[] events, Random random)
    {
        var graph = new EvidenceGraph();
        var resolver = new IdentityResolver(graph, new IdentityOptions());
        foreach (var e in events)
        {
            Apply(graph, e);
            // Resolving in between must leave no trace.
            if (random.Next(3) == 0) resolver.Resolve(graph.Island(random.Next(graph.Nodes.Count)));
        }
        for (var node = 0; node < graph.Nodes.Count; node++) resolver.Resolve(graph.Island(node));
        var customers = new SortedDictionary<string, string[]>(StringComparer.Ordinal);
        foreach (var group in Enumerable.Range(0, graph.Nodes.Count).Where(n => graph.Nodes[n].Root >= 0).GroupBy(n => graph.Nodes[n].Root))
            customers[graph.Nodes.TextOf(group.Key)] = [.. group.Select(graph.Nodes.TextOf).Order(StringComparer.Ordinal)];
        return customers;
    }

    internal static void Apply(EvidenceGraph graph, Sighting e)
    {
        var nodes = e.Ids.ToDictionary(i => i, i => Intern(graph, i));
        foreach (var node in nodes.Values) graph.Nodes[node].FirstSeenMs = Math.Min(graph.Nodes[node].FirstSeenMs, e.TimeMs);
        var anchor = nodes[e.Anchor];
        graph.Nodes[anchor].HasEvents = true;
        var others = nodes.Values.Where(n => n != anchor).ToArray();
        if (!e.IsUnbind)
            foreach (var other in others) graph.Link(anchor, other, e.TimeMs, default);
        else if (others.Length == 0) graph.Unbind(anchor, e.TimeMs);
        else graph.Unbind(anchor, others[0], e.TimeMs);
    }

    internal static int Intern(EvidenceGraph graph, Id id)
    {
        var text = Encoding.UTF8.GetBytes(id.Text);
        return graph.Nodes.Intern(id.Kind, text, Fingerprint.Of(text), out _);
    }
}
