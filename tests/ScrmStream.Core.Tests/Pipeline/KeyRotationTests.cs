using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Rules;
using static ScrmStream.Tests.Events.Decoding;
using static ScrmStream.Tests.Identity.PersonalKeysTests;

namespace ScrmStream.Tests.Pipeline;

/// <summary>A person under an old key, under both, and under the new one alone: what the screen names and what the folder links.</summary>
public sealed class KeyRotationTests
{
    private const string Plain = "phone::+8613912345678", Mail = "email::ann@example.cn";
    private static readonly string Old = Hashed("k1", Key1, Plain), New = Hashed("k2", Key2, Plain);
    private static readonly IdentityOptions OldOnly = Rotating(("k1", Key1)), Both = Rotating(("k2", Key2), ("k1", Key1)),
        NewOnly = Rotating(("k2", Key2));

    private readonly CustomerState _state = new(new IdentityOptions { ContactValuesMax = 1 });

    [Fact]
    public void Fold_OldThenBothThenNew_LinksTheTextsAndNothingElseWithTheAlias()
    {
        var member = """{"kind":"member_id","scope":"s","value":"m1"}""";
        var phone = """{"kind":"phone","value":"139-1234-5678"}""";
        Fold(OldOnly, $"[{member},{phone}]");
        Assert.Equal([("member_id:s:m1", Old)], Edges());
        Fold(Both, $"[{phone},{member}]");
        Assert.Equal(Sorted(("member_id:s:m1", Old), ("member_id:s:m1", New), (New, Old)), Edges());
        Fold(NewOnly, $$"""[{{phone}},{"kind":"cookie","value":"c"}]""");
        Assert.Equal(Sorted(("member_id:s:m1", Old), ("member_id:s:m1", New), (New, Old), (New, "cookie::c")), Edges());
        Assert.Single(Islands());
    }

    [Fact]
    public void Fold_AliasOfTheAnchor_IsLinkedWithIt()
    {
        var batch = Fold(Both, """[{"kind":"phone","value":"13912345678"},{"kind":"cookie","value":"c"}]""");
        Assert.Equal(Sorted((New, Old), (New, "cookie::c")), Edges());
        Assert.Equal((1, New), (batch.Count, _state.Graph.Nodes.TextOf(batch.Identifiers[batch.Events[0].Anchor].Node)));
        Assert.False(_state.Graph.Nodes[Node(Old)].HasEvents);
        Assert.Equal(Noon, _state.Graph.Nodes[Node(Old)].FirstSeenMs);
    }

    [Fact]
    public void Fold_Unverified_HasNoAliasAndNoLink()
    {
        var batch = Fold(Both, """[{"kind":"phone","value":"13912345678","verified":false},{"kind":"cookie","value":"c"}]""");
        Assert.Equal([New, "cookie::c"], batch.IdentifierTexts());
        Assert.Empty(Edges());
    }

    [Fact]
    public void Fold_RepeatOfAnAlias_KeepsItsLastEvidenceInTheStoredCell()
    {
        var identifiers = """[{"kind":"member_id","scope":"s","value":"m1"},{"kind":"phone","value":"13912345678"}]""";
        Fold(Both, identifiers);
        _state.ClearChanged();
        Fold(Both, identifiers, timeMs: Noon + 5);
        Assert.Equal(Noon + 5, _state.Graph.Edge(_state.Graph.Find(Node(New), Node(Old))).LastMs);
        Assert.True((_state[Node(New)].Flags & CellFlags.Dirty) != 0);
    }

    [Fact]
    public void Fold_UnbindOfOne_UnbindsItUnderEveryKey()
    {
        Fold(OldOnly, """[{"kind":"phone","value":"13912345678"},{"kind":"cookie","value":"c"}]""");
        Fold(Both, """[{"kind":"phone","value":"13912345678"}]""", "identity_unbind", Noon + 1);
        Assert.Equal((Noon + 1, Noon + 1), (_state.Graph.Nodes.UnboundMs(Node(New)), _state.Graph.Nodes.UnboundMs(Node(Old))));
        Assert.Equal(Sorted((Old, "cookie::c"), (New, Old)), Edges());
    }

    [Fact]
    public void Fold_UnbindOfTwo_UnbindsThePairUnderEachKey()
    {
        string phone = """{"kind":"phone","value":"13912345678"}""", mail = """{"kind":"email","value":"Ann@example.cn"}""";
        Fold(OldOnly, $"[{phone},{mail}]");
        Fold(Both, $"[{phone},{mail}]");
        Fold(Both, $"[{mail},{phone}]", "identity_unbind", Noon + 1);
        var (oldMail, newMail) = (Hashed("k1", Key1, Mail), Hashed("k2", Key2, Mail));
        Assert.Equal(Sorted((Old, oldMail), (New, newMail), (New, Old), (newMail, oldMail)), Edges());
        Assert.Equal((Noon + 1, Noon + 1), (Unbound(Old, oldMail), Unbound(New, newMail)));
        Assert.Equal((long.MinValue, long.MinValue), (Unbound(New, Old), _state.Graph.Nodes.UnboundMs(Node(New))));
    }

    [Fact]
    public void Resolve_OneValueUnderTwoKeys_CountsOnceAndNothingUnbindsItsTexts()
    {
        var resolver = _state.Resolver;
        Fold(OldOnly, """[{"kind":"phone","value":"13912345678"}]""");
        Fold(Both, """[{"kind":"member_id","scope":"s","value":"m1"},{"kind":"phone","value":"13912345678"}]""");
        resolver.Resolve(_state.Graph.Island(Node(New)));
        Assert.Equal(Root("member_id:s:m1"), Root(New));
        Assert.Equal(Root(New), Root(Old));

        Fold(Both, """[{"kind":"phone","value":"13912345678"}]""", "identity_unbind", Noon + 1);
        resolver.Resolve(_state.Graph.Island(Node(New)));
        Assert.NotEqual(Root("member_id:s:m1"), Root(New));
        Assert.Equal(Root(New), Root(Old));

        int Root(string text) => _state.Graph.Nodes[Node(text)].Root;
    }

    private EventBatch Fold(IdentityOptions options, string identifiers, string name = "page_view", long timeMs = Noon)
    {
        var record = Event(identifiers: identifiers).Replace("page_view", name).Replace($"{Noon}", $"{timeMs}");
        var batch = Decode(new EventLimits(), -1, [System.Text.Encoding.UTF8.GetBytes(record)]);
        new IdentifierScreen(options).Apply(batch);
        Assert.Empty(batch.Rejects);
        var nodes = _state.Request(batch);
        _state.Accept(nodes, new StoredCell[nodes.Length]);
        // Each event is a record of its own, though all have the test's one position.
        new EventFolder(_state, RuleSet.Empty, new ShardHistory(64)).Fold(batch, publishAll: true);
        return batch;
    }

    private int Node(string text)
    {
        var node = _state.Graph.Nodes.Find(System.Text.Encoding.UTF8.GetBytes(text));
        Assert.True(node >= 0, $"nobody is called {text}");
        return node;
    }

    private long Unbound(string a, string b) => _state.Graph.UnboundMs(_state.Graph.Find(Node(a), Node(b)));

    private (string, string)[] Edges() => Sorted([.. Enumerable.Range(0, _state.Graph.EdgeCount)
        .Select(i => (_state.Graph.Nodes.TextOf(_state.Graph.Edge(i).A), _state.Graph.Nodes.TextOf(_state.Graph.Edge(i).B)))]);

    private HashSet<int> Islands() => [.. Enumerable.Range(0, _state.Count).Select(_state.Graph.Island)];

    // An edge has no direction.
    private static (string, string)[] Sorted(params (string A, string B)[] edges) =>
        [.. edges.Select(e => string.CompareOrdinal(e.A, e.B) <= 0 ? e : (e.B, e.A)).Order()];
}
