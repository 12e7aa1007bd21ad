using System.Diagnostics;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;

namespace ScrmStream.LoadTest;

/// <summary>
/// Identity alone, in memory: people of two to four identifiers (openId, unionId, phone, cookie). Prints bytes per identifier beside
/// shards, and how fast new and known edges are noted and resolved, with the number of customers as the check.
/// </summary>
public sealed class IdentityLadder(int identifiers)
{
    private readonly CustomerState _state = new(new IdentityOptions());
    private readonly List<(int A, int B)> _edges = [];
    private readonly Random _random = new(1);
    private int _people;

    public void Run()
    {
        GC.Collect();
        var before = GC.GetTotalMemory(true);
        var texts = Stopwatch.StartNew();
        while (_state.Count < identifiers) AddPerson();
        Report("new identifiers", _state.Count, texts);

        // Each edge as it comes, its component at once: the price of deciding alone. A flush resolves an island once for many edges.
        var fresh = Stopwatch.StartNew();
        foreach (var (a, b) in _edges)
        {
            Link(a, b, 1_700_000_000_000);
            _state.Resolver.Resolve(_state.Graph.Island(a));
        }
        Report("new edges, resolved", _edges.Count, fresh);
        var bytes = (GC.GetTotalMemory(true) - before - _edges.Capacity * 8L) / (double)_state.Count;

        var order = _edges.ToArray();
        _random.Shuffle(order);
        var known = Stopwatch.StartNew();
        var changed = 0;
        foreach (var some in order.Chunk(32))
        {
            Hint(some);
            foreach (var (a, b) in some)
                if (Link(a, b, 1_700_000_000_001)) changed++;
        }
        Report("known edges, any order", order.Length, known);

        var customers = Enumerable.Range(0, _state.Count).Count(n => _state.Graph.Nodes[n].Root == n);
        Console.WriteLine($"{bytes:N0} B per identifier beside shards; {_state.Count} identifiers, {_edges.Count} edges");
        Console.WriteLine(customers == _people && changed == 0
            ? $"check: {customers} customers, as made" : $"WRONG: {customers} customers of {_people}, {changed} repeats changed something");
    }

    // As the engine does before it folds events.
    private void Hint((int A, int B)[] edges)
    {
        foreach (var (a, b) in edges)
        {
            _state.Graph.Nodes.Prefetch(a);
            _state.Graph.Nodes.Prefetch(b);
        }
        foreach (var (a, b) in edges)
        {
            _state.Graph.PrefetchEdge(a);
            _state.Graph.PrefetchEdge(b);
        }
    }

    private bool Link(int a, int b, long timeMs) => _state.Graph.Link(a, b, timeMs, new EvidenceSource(1, timeMs, 0));

    private void AddPerson()
    {
        var person = _people++;
        var openId = Add(IdentifierKind.OpenId, $"openid:wx{person % 3:x16}:o6_bmjrPTlm6_2sgVt7h{person:x7}");
        Meet(openId, IdentifierKind.Cookie, $"cookie:web:{person * 7919L:x16}");
        if (person % 3 == 0) Meet(Add(IdentifierKind.UnionId, $"unionid:wxplatform:oUnion{person:x22}"), openId);
        if (person % 4 == 0) Meet(openId, IdentifierKind.Phone, $"phone::+86139{person:00000000}");
    }

    private void Meet(int a, IdentifierKind kind, string text) => Meet(a, Add(kind, text));

    private void Meet(int a, int b) => _edges.Add((a, b));

    private int Add(IdentifierKind kind, string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        var node = _state.Intern(kind, utf8, Fingerprint.Of(utf8));
        _state[node].Flags |= CellFlags.Loaded;
        _state.Graph.Sight(node, 1_700_000_000_000);
        _state.Graph.Nodes[node].HasEvents = true;
        return node;
    }

    private static void Report(string what, int count, Stopwatch watch) =>
        Console.WriteLine($"{what,-24} {count / watch.Elapsed.TotalSeconds / 1e6,8:N2} M/s");
}
