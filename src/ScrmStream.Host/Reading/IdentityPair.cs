using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Host.Commands;
using ScrmStream.Host.Settings;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Redis;

namespace ScrmStream.Host.Reading;

/// <summary>Two identifiers that a person asks about, with all evidence that decides whose they are, as Redis has it now.</summary>
internal sealed class IdentityPair
{
    private readonly IdentityResolver _resolver;
    private readonly string _saidA, _saidB;

    private IdentityPair(EvidenceReader evidence, (string Said, int Node) a, (string Said, int Node) b)
    {
        Graph = evidence.Graph;
        _resolver = evidence.Resolver;
        (_saidA, _saidB) = (a.Said, b.Said);
        (A, B) = (a.Node, b.Node);
        if (AreKnown) Explanation = evidence.Explainer.Explain(A, B);
    }

    public EvidenceGraph Graph { get; }

    /// <summary>Nodes of the graph; -1: no event named it.</summary>
    public int A { get; }
    public int B { get; }
    public bool AreKnown => A >= 0 && B >= 0;

    /// <summary>Null when one of the two is not known.</summary>
    public IdentityExplanation? Explanation { get; }

    /// <summary>Stored text; what was given when the identifier is not known.</summary>
    public string NameA => A >= 0 ? NameOf(A) : _saidA;
    public string NameB => B >= 0 ? NameOf(B) : _saidB;

    /// <exception cref="SettingsException">One of the two names no identifier.</exception>
    /// <exception cref="StoreUnavailableException">Redis has no address or does not answer.</exception>
    public static async Task<IdentityPair> ReadAsync(HostSettings settings, string a, string b, CancellationToken cancel)
    {
        var identity = settings.Pipeline.Identity;
        var (idsA, idsB) = (CustomerReader.IdsOf(a, identity), CustomerReader.IdsOf(b, identity));
        if (!settings.HasRedis) throw Exits.NoAddress("Redis", "--redis");
        await using var redis = await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel);
        var evidence = new EvidenceReader(new RedisCellStore(redis), identity);
        var nodeA = await ReadFirstAsync(evidence, idsA, cancel);
        var nodeB = await ReadFirstAsync(evidence, idsB, cancel);
        return new IdentityPair(evidence, (a, nodeA), (b, nodeB));
    }

    private static async Task<int> ReadFirstAsync(EvidenceReader evidence, IReadOnlyList<IdentifierId> ids, CancellationToken cancel)
    {
        foreach (var id in ids)
            if (await evidence.ReadIslandAsync(id, cancel) is var node and >= 0) return node;
        return -1;
    }

    public string NameOf(int node) => Graph.Nodes.TextOf(node);

    /// <summary>Id of the customer that an identifier belongs to; null when it is nobody's.</summary>
    public string? CustomerOf(int node)
    {
        if (node < 0) return null;
        _resolver.Resolve(Graph.Island(node));
        var root = Graph.Nodes[node].Root;
        return root < 0 ? null : new IdentifierId(Graph.Nodes[root].Id).ToString();
    }
}
