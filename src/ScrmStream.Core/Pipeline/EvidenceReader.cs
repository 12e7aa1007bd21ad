using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline;

/// <summary>
/// Brings stored evidence into memory for those who only ask: nothing is ever written. What it holds is of the moment at which each cell
/// was read. About 300 bytes an identifier. One use at a time.
/// </summary>
public sealed class EvidenceReader(ICellStore cells, IdentityOptions identity)
{
    private readonly CustomerState _state = new(identity);
    private IdentityExplainer? _explainer;

    public EvidenceGraph Graph => _state.Graph;

    /// <summary>Tells the customers of islands that are in memory as a whole.</summary>
    public IdentityResolver Resolver => _state.Resolver;

    /// <summary>Explains pairs of identifiers whose islands were read.</summary>
    public IdentityExplainer Explainer => _explainer ??= new IdentityExplainer(Graph, Resolver, identity);

    /// <summary>Reads the whole island of an identifier: everything that decides whose it is.</summary>
    /// <returns>Its node; -1 when there is no such identifier.</returns>
    /// <exception cref="StoreUnavailableException">The store did not answer.</exception>
    public async Task<int> ReadIslandAsync(IdentifierId id, CancellationToken cancel)
    {
        var stored = (await cells.LoadAsync([id], cancel))[0];
        if (stored.Cell is null) return -1;
        var node = Intern(new CellEvidence(stored.Cell));
        if ((_state[node].Flags & CellFlags.Loaded) != 0) return node;
        var next = _state.Accept([node], [stored]);
        while (next.Length > 0) next = _state.Accept(next, await cells.LoadAsync(Array.ConvertAll(next, IdOf), cancel));
        return node;
    }

    /// <summary>
    /// Takes in the evidence of one cell, without its shard and without its neighbours; <see cref="Connect"/> comes after the last.
    /// </summary>
    /// <returns>Its node.</returns>
    public int Take(ReadOnlySpan<byte> cell)
    {
        var evidence = new CellEvidence(cell);
        var node = Intern(evidence);
        CellCodec.Read(_state, node, evidence.WithoutShard);
        return node;
    }

    /// <summary>Makes islands of all cells taken in.</summary>
    public void Connect()
    {
        for (var edge = 0; edge < Graph.EdgeCount; edge++) Graph.Join(edge);
    }

    private int Intern(CellEvidence evidence) => _state.Intern(evidence.Kind, evidence.Text, Fingerprint.Of(evidence.Text));

    private IdentifierId IdOf(int node) => new(Graph.Nodes[node].Id);
}
