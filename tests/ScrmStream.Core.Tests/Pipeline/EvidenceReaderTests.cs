using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Profiles;

namespace ScrmStream.Tests.Pipeline;

public sealed class EvidenceReaderTests
{
    private const string Union = "unionid:w:u", Phone = "phone::p", Cookie = "cookie:web:c", Stranger = "unionid:w:other";

    private readonly MemoryCellStore _cells = new(new MemoryViewStore());
    private readonly CustomerState _written = new(new IdentityOptions());

    public EvidenceReaderTests()
    {
        var shard = new ShardBuffer();
        shard.Load([]);
        shard.Count(5, 0);
        foreach (var text in new[] { Union, Phone, Cookie, Stranger })
            _written[Node(text)].Shard = _written.Shards.Store(0, shard.Bytes);
        _written.Graph.Unbind(Node(Cookie), 2);
        _written.Graph.Link(Node(Union), Node(Phone), 5, new EvidenceSource(7, 8, 9));
        _written.Graph.Link(Node(Phone), Node(Cookie), 6, new EvidenceSource(7, 9, 0));
        _written.Graph.Link(Node(Union), Node(Cookie), 7, new EvidenceSource(7, 10, 0));
    }

    [Fact]
    public async Task ReadIsland_OneIdentifier_BringsAllThatDecidesWhoseItIs()
    {
        await StoreAsync();
        var reader = new EvidenceReader(_cells, new IdentityOptions());
        var phone = await reader.ReadIslandAsync(Id(Phone), CancellationToken.None);
        Assert.Equal([Cookie, Phone, Union], Enumerable.Range(0, reader.Graph.Nodes.Count).Select(reader.Graph.Nodes.TextOf).Order());
        AssertSameEdges(reader.Graph);
        var cookie = await reader.ReadIslandAsync(Id(Cookie), CancellationToken.None);
        var explanation = reader.Explainer.Explain(phone, cookie);
        Assert.True(explanation.IsOneCustomer);
        Assert.Equal(new EvidenceSource(7, 9, 0), reader.Graph.Source(Assert.Single(explanation.Links).Edge));
    }

    [Fact]
    public async Task ReadIsland_UnknownIdentifier_IsNone() => Assert.Equal(
        -1, await new EvidenceReader(_cells, new IdentityOptions()).ReadIslandAsync(Id("phone::unknown"), CancellationToken.None));

    [Fact]
    public async Task Take_EveryCellAndOneTwice_HoldsTheSameEvidence()
    {
        await StoreAsync();
        var reader = new EvidenceReader(_cells, new IdentityOptions());
        foreach (var text in new[] { Union, Cookie, Phone, Stranger, Union }) reader.Take(await CellAsync(text));
        Assert.Equal(4, reader.Graph.Nodes.Count);
        AssertSameEdges(reader.Graph);
    }

    [Fact]
    public async Task CellEvidence_StoredCell_SaysWhatTheGraphSays()
    {
        await StoreAsync();
        var content = await CellAsync(Cookie);
        var evidence = new CellEvidence(content);
        Assert.Equal((IdentifierKind.Cookie, Cookie, 2L, 2), (evidence.Kind, Encoding.UTF8.GetString(evidence.Text), evidence.UnboundMs, evidence.EdgeCount));
        var edges = new SortedDictionary<string, (IdentifierKind, long, long, long)>(StringComparer.Ordinal);
        foreach (var edge in evidence)
            edges.Add(Encoding.UTF8.GetString(edge.Text), (edge.Kind, edge.FirstMs, edge.LastMs, edge.UnboundMs));
        Assert.Equal((IdentifierKind.Phone, 6L, 6L, 2L), edges[Phone]);
        Assert.Equal((IdentifierKind.UnionId, 7L, 7L, 2L), edges[Union]);
        Assert.Equal(_written.Shards[_written[Node(Cookie)].Shard].Length, content.Length - evidence.WithoutShard.Length);
    }

    private static IdentifierId Id(string text) => IdentifierId.Of(Encoding.UTF8.GetBytes(text));

    private int Node(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        IdentifierKinds.TryParse(utf8.AsSpan(0, text.IndexOf(':')), out var kind);
        return _written.Intern(kind, utf8, Fingerprint.Of(utf8));
    }

    private async Task StoreAsync()
    {
        var arena = new ByteArena();
        var writes = Enumerable.Range(0, _written.Count).Select(node => new CellWrite(
            new IdentifierId(_written.Graph.Nodes[node].Id), CellVersion.None, CellCodec.Write(_written, node, new CellVersion(1, 1), arena)));
        Assert.Empty(await _cells.StoreAsync([.. writes], arena, CancellationToken.None));
    }

    private async Task<byte[]> CellAsync(string text) => (await _cells.LoadAsync([Id(text)], CancellationToken.None))[0].Cell!;

    private void AssertSameEdges(EvidenceGraph read) => Assert.Equal(Edges(_written.Graph), Edges(read));

    private static IEnumerable<string> Edges(EvidenceGraph graph)
    {
        var edges = new List<string>();
        for (var i = 0; i < graph.EdgeCount; i++)
        {
            var e = graph.Edge(i);
            var ends = string.Join(' ', new[] { graph.Nodes.TextOf(e.A), graph.Nodes.TextOf(e.B) }.Order(StringComparer.Ordinal));
            edges.Add($"{ends} {e.FirstMs} {e.LastMs} {graph.Source(i)} {e.Counts}");
        }
        edges.Sort(StringComparer.Ordinal);
        return edges;
    }
}
