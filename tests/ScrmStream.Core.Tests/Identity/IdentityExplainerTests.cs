using ScrmStream.Events;
using ScrmStream.Identity;
using static ScrmStream.TestKit.SlowIdentity;

namespace ScrmStream.Tests.Identity;

public sealed class IdentityExplainerTests
{
    private const long Day = 24L * 3600 * 1000;

    private static readonly Id UnionA = new(IdentifierKind.UnionId, "w", "a"), UnionB = new(IdentifierKind.UnionId, "w", "b"),
        Open = new(IdentifierKind.OpenId, "app", "o"), Phone = new(IdentifierKind.Phone, "", "p"),
        Pending = new(IdentifierKind.PendingId, "c", "x"), Tablet = new(IdentifierKind.DeviceId, "shop", "tablet"),
        Cookie = new(IdentifierKind.Cookie, "web", "c");

    /// <summary>Random small worlds: whoever is one customer has a way, whoever is not has a reason, and both are true.</summary>
    [Fact]
    public void Explain_RandomWorlds_WaysAndReasonsAreTrue()
    {
        var met = new HashSet<string>();
        for (var seed = 0; seed < 1500; seed++)
        {
            var random = new Random(seed);
            var options = IdentityResolverTests.RandomOptions(random);
            var world = new World(IdentityResolverTests.RandomEvents(random), options);
            for (var a = 0; a < world.Graph.Nodes.Count; a++)
            {
                for (var b = 0; b < world.Graph.Nodes.Count; b++)
                {
                    var explanation = world.Explain(a, b);
                    world.AssertIsWay(explanation, a, b);
                    if (explanation.IsOneCustomer) world.AssertJoins(explanation, a, b);
                    else world.AssertSeparates(explanation, a, b);
                    met.UnionWith(explanation.Cuts.Select(c => c.Cut!.GetType().Name));
                }
            }
        }
        Assert.Equal(["BridgeExpired", "OverLimit", "Parked", "ParkedContact", "SharedDevice", "Unbound"], met.Order(StringComparer.Ordinal));
    }

    /// <summary>The third event names both, but they were one customer before its edge had its turn.</summary>
    [Fact]
    public void Explain_EdgeThatJoinedNothing_IsNotOnTheWay()
    {
        var world = new World([new(1, [UnionA, Open]), new(2, [UnionA, Phone]), new(3, [Open, Phone])]);
        var links = world.Explain(Open, Phone).Links;
        Assert.Equal(["openid:app:o", "unionid:w:a", "phone::p"], [world.Text(links[0].From), .. links.Select(l => world.Text(l.To))]);
    }

    [Fact]
    public void Explain_UnionOfTwoUnionIds_NamesBothValuesAndTheLimit()
    {
        var world = new World([new(1, [UnionA, Phone]), new(2, [UnionB, Phone])]);
        var explanation = world.Explain(UnionA, UnionB);
        var cut = Assert.IsType<LinkCut.OverLimit>(Assert.Single(explanation.Cuts).Cut);
        Assert.Equal(["unionid:w:a", "unionid:w:b"], cut.Values.Select(world.Text).Order());
        Assert.Equal(1, cut.ValuesMax);
    }

    [Fact]
    public void Explain_Unbound_SaysWhenAndWhetherThePairOrOneAlone()
    {
        var pair = new World([new(1, [UnionA, Phone]), new(5, [UnionA, Phone], IsUnbind: true)]);
        Assert.Equal(new LinkCut.Unbound(5, -1), Assert.Single(pair.Explain(Phone, UnionA).Cuts).Cut);
        var alone = new World([new(1, [UnionA, Phone]), new(6, [Phone], IsUnbind: true)]);
        Assert.Equal(new LinkCut.Unbound(6, alone.Node(Phone)), Assert.Single(alone.Explain(UnionA, Phone).Cuts).Cut);
        var again = new World([new(1, [UnionA, Phone]), new(6, [Phone], IsUnbind: true), new(7, [UnionA, Phone])]);
        Assert.True(again.Explain(UnionA, Phone).IsOneCustomer);
    }

    [Fact]
    public void Explain_LateBridge_SaysWhenItWasFirstSeen()
    {
        var world = new World([new(0, [Pending, Cookie]), new(91 * Day, [Phone, Pending])]);
        var cut = Assert.Single(world.Explain(Phone, Pending).Cuts).Cut;
        Assert.Equal(new LinkCut.BridgeExpired(world.Node(Pending), 0, 91 * Day), cut);
    }

    [Fact]
    public void Explain_SharedTablet_NamesItsCustomers()
    {
        var world = new World([new(1, [UnionA, Tablet]), new(2, [UnionB, Tablet])]);
        var cut = Assert.IsType<LinkCut.SharedDevice>(Assert.Single(world.Explain(UnionA, Tablet).Cuts).Cut);
        Assert.Equal(["unionid:w:a", "unionid:w:b"], cut.Customers.Select(world.Text).Order());
        Assert.Equal(2, world.Explain(UnionA, UnionB).Cuts.Count());
    }

    [Fact]
    public void Explain_ContestedGroup_DevicesAreCutFromEachOther()
    {
        var world = new World([new(1, [Tablet, Cookie]), new(2, [UnionA, Tablet]), new(3, [UnionB, Cookie])]);
        Assert.True(world.Explain(UnionA, Tablet).IsOneCustomer);
        var cut = Assert.IsType<LinkCut.SharedDevice>(Assert.Single(world.Explain(Tablet, Cookie).Cuts).Cut);
        Assert.Equal(["cookie:web:c", "device_id:shop:tablet"], cut.Devices.Select(world.Text).Order());
    }

    /// <summary>Tablet and cookie were met together, but a third device contests their group: each is hers by its own login.</summary>
    [Fact]
    public void Explain_TwoDevicesOfOneCustomerInAContestedGroup_AreJoinedByTheirLogins()
    {
        var phone = new Id(IdentifierKind.DeviceId, "app", "d");
        var world = new World([new(1, [Tablet, Cookie]), new(2, [UnionA, Tablet]), new(3, [UnionA, Cookie]), new(4, [Cookie, phone]), new(5, [UnionB, phone])]);
        Assert.Equal(["unionid:w:a", "cookie:web:c"], world.Explain(Tablet, Cookie).Links.Select(l => world.Text(l.To)));
    }

    [Fact]
    public void Explain_PhoneOfAShop_SaysThatItIsInQuarantine()
    {
        Sighting[] events = [.. Enumerable.Range(1, 51).Select(i => new Sighting(i, [new Id(IdentifierKind.OpenId, "app", $"o{i}"), Phone]))];
        var world = new World(events);
        var first = new Id(IdentifierKind.OpenId, "app", "o1");
        var explanation = world.Explain(first, new Id(IdentifierKind.OpenId, "app", "o2"));
        Assert.Equal(2, explanation.Cuts.Count());
        Assert.All(explanation.Cuts, cut => Assert.Equal(new LinkCut.Parked(world.Node(Phone), 50), cut.Cut));
        Assert.Equal(new LinkCut.Parked(world.Node(Phone), 50), Assert.Single(world.Explain(first, Phone).Cuts).Cut);
    }

    [Fact]
    public void Explain_NothingConnects_HasNoLinks()
    {
        var world = new World([new(1, [UnionA]), new(2, [UnionB, Phone], IsUnbind: true)]);
        Assert.Empty(world.Explain(UnionA, UnionB).Links);
        Assert.Empty(world.Explain(UnionB, Phone).Links);   // an unbind is no evidence
    }

    private sealed class World
    {
        private readonly Sighting[] _events;
        private readonly SortedDictionary<string, string[]> _customers;
        private readonly IdentityResolver _resolver;
        private readonly IdentityExplainer _explainer;

        public World(Sighting[] events, IdentityOptions? options = null)
        {
            options ??= new IdentityOptions();
            Graph = new EvidenceGraph(options);
            _events = events;
            _customers = Customers(events, options);
            foreach (var e in events) IdentityResolverTests.Apply(Graph, e, options);
            _resolver = new IdentityResolver(Graph, options);
            _explainer = new IdentityExplainer(Graph, _resolver, options);
        }

        public EvidenceGraph Graph { get; }

        public int Node(Id id) => IdentityResolverTests.Intern(Graph, id);

        public string Text(int node) => Graph.Nodes.TextOf(node);

        public IdentityExplanation Explain(Id a, Id b) => Explain(Node(a), Node(b));

        public IdentityExplanation Explain(int a, int b) => _explainer.Explain(a, b);

        public void AssertIsWay(IdentityExplanation explanation, int a, int b)
        {
            if (explanation.Links.Count == 0) return;
            Assert.Equal((a, b), (explanation.Links[0].From, explanation.Links[^1].To));
            foreach (var (link, after) in explanation.Links.Zip(explanation.Links.Skip(1))) Assert.Equal(link.To, after.From);
            foreach (var link in explanation.Links) Assert.Equal(link.To, Graph.Edge(link.Edge).Other(link.From));
        }

        public void AssertJoins(IdentityExplanation explanation, int a, int b)
        {
            var members = a == b ? [Text(a)] : CustomerOf(a)!;
            Assert.Contains(Text(b), members);
            Assert.Equal(a == b, explanation.Links.Count == 0);
            foreach (var link in explanation.Links)
            {
                _resolver.Resolve(Graph.Island(link.From));
                Assert.Null(link.Cut);
                Assert.True(IsUsable(link.Edge));
                Assert.DoesNotContain(link.Edge, _resolver.Refused);
                if (IsStrong(link.From) && IsStrong(link.To)) Assert.Contains(link.Edge, _resolver.Accepted);
                if (!IsStrong(link.From) && !IsStrong(link.To)) Assert.InRange(CustomersOfGroup(link.From), 0, 1);
                Assert.Contains(Text(link.From), members);
                Assert.Contains(Text(link.To), members);
            }
        }

        public void AssertSeparates(IdentityExplanation explanation, int a, int b)
        {
            Assert.NotEqual(a, b);
            Assert.DoesNotContain(Text(b), CustomerOf(a) ?? [Text(a)]);
            // What several identifiers in quarantine part is not looked for.
            if (Reaches(a, b, e => Graph.IsOpen(in Graph.Edge(e)) && Graph.Edge(e).LastMs > long.MinValue)) Assert.NotEmpty(explanation.Links);
            if (!Reaches(a, b, e => Graph.Edge(e).LastMs > long.MinValue)) Assert.Empty(explanation.Links);
            Assert.Equal(explanation.Links.Count > 0, explanation.Cuts.Any());
            if (Reaches(a, b, IsUsable)) Assert.All(explanation.Links, link => Assert.True(Graph.Edge(link.Edge).Counts));
            foreach (var link in explanation.Cuts) AssertIsTrue(link);
        }

        private void AssertIsTrue(ExplainedLink link)
        {
            Assert.DoesNotContain(Text(link.To), CustomerOf(link.From) ?? [Text(link.From)]);
            switch (link.Cut)
            {
                case LinkCut.Unbound unbound:
                    Assert.False(Graph.Edge(link.Edge).Counts);
                    string[] pair = [Text(link.From), Text(link.To)];
                    Assert.Contains(_events, e => e.IsUnbind && e.TimeMs == unbound.AtMs && (unbound.By < 0
                        ? e.Ids.Length == 2 && e.Ids.All(i => pair.Contains(i.Text))
                        : e.Ids.Length == 1 && e.Ids[0].Text == Text(unbound.By) && pair.Contains(Text(unbound.By))));
                    break;
                case LinkCut.BridgeExpired expired:
                    Assert.False(Graph.Edge(link.Edge).Counts);
                    Assert.True(expired.OrderMs - expired.FirstSeenMs > 90 * Day);
                    Assert.Equal(expired.FirstSeenMs, _events.Where(e => e.Ids.Any(i => i.Text == Text(expired.Bridge))).Min(e => e.TimeMs));
                    break;
                case LinkCut.Parked parked:
                    Assert.True(Graph.Edge(link.Edge).Counts && Graph.Nodes[parked.Crowded].IsParked);
                    Assert.Contains(parked.Crowded, new[] { link.From, link.To });
                    break;
                case LinkCut.ParkedContact:
                    _resolver.Resolve(Graph.Island(link.From));
                    Assert.Contains(link.Edge, _resolver.ParkedContacts);
                    break;
                case LinkCut.OverLimit limit:
                    _resolver.Resolve(Graph.Island(link.From));
                    Assert.Contains(link.Edge, _resolver.Refused);
                    string[] united = [.. CustomerOf(link.From) ?? [Text(link.From)], .. CustomerOf(link.To) ?? [Text(link.To)]];
                    Assert.True(limit.Values.Count > limit.ValuesMax);
                    Assert.All(limit.Values, v => Assert.Contains(Text(v), united));
                    Assert.Single(limit.Values.Select(v => Graph.Nodes[v].LimitGroup).Distinct());
                    break;
                case LinkCut.SharedDevice shared:
                    Assert.True(Graph.Edge(link.Edge).Counts);
                    Assert.Contains(shared.Devices, d => d == link.From || d == link.To);
                    Assert.True(shared.Customers.Count > 1);
                    Assert.All(shared.Customers, c => Assert.Contains(Text(c), _customers.Keys));
                    Assert.All(shared.Customers, c => Assert.Contains(shared.Devices, d => IsLinkedTo(d, c)));
                    break;
                default:
                    Assert.Fail("a cut without a reason");
                    break;
            }
        }

        private bool IsUsable(int edge) => Graph.Edge(edge).Counts && Graph.IsOpen(in Graph.Edge(edge));

        private bool IsStrong(int node) => !Graph.Kinds.IsDevice(Graph.Nodes[node].Kind);

        private int CustomersOfGroup(int device)
        {
            var group = Reached(device, e => IsUsable(e) && !IsStrong(Graph.Edge(e).A) && !IsStrong(Graph.Edge(e).B));
            var strong = group.SelectMany(d => EdgesOf(d).Where(IsUsable).Select(e => Graph.Edge(e).Other(d))).Where(IsStrong);
            return strong.Select(s => string.Join(' ', CustomerOf(s)!)).Distinct().Count();
        }

        private bool IsLinkedTo(int device, int root) => EdgesOf(device).Any(e =>
            IsUsable(e) && _customers[Text(root)].Contains(Text(Graph.Edge(e).Other(device))));

        private string[]? CustomerOf(int node) => _customers.Values.FirstOrDefault(members => members.Contains(Text(node)));

        private bool Reaches(int from, int to, Func<int, bool> over) => Reached(from, over).Contains(to);

        private List<int> Reached(int from, Func<int, bool> over)
        {
            var seen = new List<int> { from };
            for (var i = 0; i < seen.Count; i++)
                seen.AddRange(EdgesOf(seen[i]).Where(over).Select(e => Graph.Edge(e).Other(seen[i])).Except(seen).ToList());
            return seen;
        }

        private IEnumerable<int> EdgesOf(int node)
        {
            for (var edge = Graph.Nodes[node].FirstEdge; edge >= 0; edge = Graph.NextEdge(edge, node)) yield return edge;
        }
    }
}
