using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Profiles;
using ScrmStream.Rules;
using ScrmStream.Rules.Actions;

namespace ScrmStream.Host.Replay;

/// <summary>
/// One customer read from the engine's own state. A cursor: <see cref="Read"/> moves it, and everything it shows is of the customer
/// read last. One thread.
/// </summary>
public sealed class CustomerProfile(CustomerState state, RuleSet rules)
{
    private readonly byte[][] _booleanTags =
        [.. rules.Tags.Where(t => t.Kind is TagKind.Boolean or TagKind.Manual).Select(t => System.Text.Encoding.UTF8.GetBytes(t.Name))];
    private readonly ActionWalk? _walk = rules.Actions is null ? null : new ActionWalk(rules.Actions);
    private readonly ActionLog _log = new();
    private readonly ShardSet _shards = new();
    private readonly List<int> _nodes = [];

    /// <summary>Tags and scores as of the times given to <see cref="Read"/>.</summary>
    public Conclusion Conclusion { get; } = new();
    public IdentifierId Id { get; private set; }
    public long Events => _shards.Events;
    public long FirstSeenMs => _shards.FirstSeenMs;
    public long LastSeenMs => _shards.LastSeenMs;
    public int IdentifierCount => _nodes.Count;

    /// <summary>Kind and stored text of identifier <paramref name="i"/>, strongest first.</summary>
    public (IdentifierKind Kind, string Scope, string Value) Identifier(int i)
    {
        var kind = state.Graph.Nodes[_nodes[i]].Kind;
        var text = state.Graph.Nodes.Text(_nodes[i]);
        return (kind, Utf8(IdentifierText.Scope(text, kind)), Utf8(IdentifierText.Value(text, kind)));
    }

    /// <summary>The customer's attributes that have a value, in the order of the rule file, as of the time of the scores.</summary>
    public IEnumerable<(string Name, string Value)> Attributes()
    {
        foreach (var attribute in rules.Attributes)
            if (attribute.TryGet(Conclusion, out var value)) yield return (attribute.Name, Utf8(value));
    }

    /// <summary>True for a tag that has no value besides that it holds; its "1" is no value of an event.</summary>
    public bool JustHolds(HeldTag tag)
    {
        if (!tag.Value.SequenceEqual("1"u8)) return false;
        foreach (var name in _booleanTags)
            if (tag.Name.SequenceEqual(name)) return true;
        return false;
    }

    /// <summary>Moves to the customer rooted at a node, with scores as of a time.</summary>
    /// <param name="tagsToo">Tags as of that time, which is not before the last event; else as of the customer's last event.</param>
    public void Read(int root, long asOfMs, bool tagsToo)
    {
        Gather(root);
        _nodes.Sort(ByStrength);
        rules.Evaluate(_shards, tagsToo ? asOfMs : _shards.LastSeenMs, asOfMs, Conclusion);
    }

    /// <summary>Decides all actions of the customer up to a time, as if every event had come in time.</summary>
    public IReadOnlyList<ActionDecision> Decide(long upToMs)
    {
        if (_walk is null) return [];
        _log.Clear();
        _walk.Run(_shards, _log, long.MinValue, upToMs);
        return _walk.Decisions;
    }

    /// <summary>The time of the last event of the customer rooted at a node.</summary>
    public long LastSeenOf(int root)
    {
        Gather(root);
        return LastSeenMs;
    }

    private void Gather(int root)
    {
        _shards.Clear();
        _nodes.Clear();
        Id = new IdentifierId(state.Graph.Nodes[root].Id);
        var node = root;
        do
        {
            _nodes.Add(node);
            _shards.Add(state.Shards.Memory(state[node].Shard));
            node = state.Graph.Nodes[node].CustomerNext;
        }
        while (node != root);
    }

    /// <summary>The roots of all customers in order of id.</summary>
    public static int[] RootsInOrder(CustomerState state)
    {
        var roots = Enumerable.Range(0, state.Count).Where(n => state.Graph.Nodes[n].Root == n).ToArray();
        Array.Sort(roots, (a, b) => state.Graph.Nodes[a].Id.CompareTo(state.Graph.Nodes[b].Id));
        return roots;
    }

    private int ByStrength(int a, int b) => state.Graph.Kinds.CompareStrength(
        state.Graph.Nodes[a].Kind, state.Graph.Nodes.Text(a), state.Graph.Nodes[b].Kind, state.Graph.Nodes.Text(b));

    private static string Utf8(ReadOnlySpan<byte> text) => System.Text.Encoding.UTF8.GetString(text);
}
