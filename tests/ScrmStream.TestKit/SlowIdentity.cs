using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.TestKit;

/// <summary>
/// The identity rules written out naively over sets of strings, from the list of all events: what the engine is compared with.
/// </summary>
public static class SlowIdentity
{
    public sealed record Id(IdentifierKind Kind, string Scope, string Value)
    {
        public string Text => $"{Kind.Word()}:{Scope}:{Value}";
    }

    /// <summary>An event; <see cref="IsUnbind"/> and <see cref="IsRelease"/> ones link nothing.</summary>
    public sealed record Sighting(long TimeMs, Id[] Ids, bool IsUnbind = false, bool IsRelease = false);

    /// <summary>Each customer as root text and sorted member texts.</summary>
    public static SortedDictionary<string, string[]> Customers(
        IReadOnlyCollection<Sighting> events, IdentityOptions? options = null, (Id, Id)? neverSaw = null)
    {
        options ??= new IdentityOptions();
        var kinds = new SlowKinds(options);
        var ids = events.SelectMany(e => e.Ids).Distinct().ToList();
        var firstSeen = ids.ToDictionary(i => i, i => events.Where(e => e.Ids.Contains(i)).Min(e => e.TimeMs));
        var edges = Unparked([.. CountingEdges(events, firstSeen, kinds).Where(e => (e.A, e.B) != neverSaw)], events, options);
        var component = ids.ToDictionary(i => i, i => new HashSet<Id> { i });
        var strong = edges.Where(e => !kinds.IsDevice(e.A) && !kinds.IsDevice(e.B));
        foreach (var (a, b, _) in strong.Order(Comparer<(Id A, Id B, long Time)>.Create((x, y) => CompareEdges(x, y, kinds))))
        {
            if (component[a] == component[b]) continue;
            var union = component[a].Union(component[b]).ToHashSet();
            if (!kinds.WithinLimits(union)) continue;
            foreach (var id in union) component[id] = union;
        }
        PlaceDevices(ids, edges, component, kinds);
        var anchors = events.Select(kinds.Anchor).ToHashSet();
        var customers = new SortedDictionary<string, string[]>(StringComparer.Ordinal);
        foreach (var members in component.Values.Distinct().Where(c => c.Overlaps(anchors)))
        {
            var root = members.Order(Comparer<Id>.Create((a, b) =>
                kinds.IsDevice(a) != kinds.IsDevice(b) ? kinds.IsDevice(a).CompareTo(kinds.IsDevice(b))
                : firstSeen[a] != firstSeen[b] ? firstSeen[a].CompareTo(firstSeen[b]) : kinds.Strength(a, b))).First();
            customers[root.Text] = [.. members.Select(m => m.Text).Order(StringComparer.Ordinal)];
        }
        return customers;
    }

    private static List<(Id A, Id B, long Time)> CountingEdges(
        IReadOnlyCollection<Sighting> events, Dictionary<Id, long> firstSeen, SlowKinds kinds)
    {
        var evidence = events.Where(e => !e.IsUnbind && !e.IsRelease)
            .SelectMany(e => e.Ids.Where(i => i != kinds.Anchor(e)).Select(i => (Pair: Pair(kinds.Anchor(e), i), e.TimeMs)))
            .GroupBy(x => x.Pair, x => x.TimeMs);
        var edges = new List<(Id, Id, long)>();
        foreach (var pair in evidence)
        {
            var unbound = events.Where(e => e.IsUnbind && (e.Ids.Length == 1
                    ? e.Ids[0] == pair.Key.A || e.Ids[0] == pair.Key.B : Pair(e.Ids[0], e.Ids[1]) == pair.Key))
                .Select(e => e.TimeMs).DefaultIfEmpty(long.MinValue).Max();
            if (pair.Max() <= unbound) continue;
            var order = Math.Max(pair.Min(), unbound);
            var bridge = new[] { pair.Key.A, pair.Key.B }.Where(i => i.Kind == IdentifierKind.PendingId);
            if (bridge.Any(b => order - firstSeen[b] > 90L * 24 * 3600 * 1000)) continue;
            edges.Add((pair.Key.A, pair.Key.B, order));
        }
        return edges;
    }

    // Rule 4. Neighbours are counted before any parking, raw components after it.
    private static List<(Id A, Id B, long Time)> Unparked(
        List<(Id A, Id B, long Time)> edges, IReadOnlyCollection<Sighting> events, IdentityOptions options)
    {
        var kinds = new SlowKinds(options);
        var neighbours = edges.SelectMany(e => new[] { (Of: e.A, Met: e.B), (Of: e.B, Met: e.A) }).ToLookup(x => x.Of, x => x.Met);
        var released = events.Where(e => e.IsRelease).Select(e => e.Ids[0]).ToHashSet();
        var parked = neighbours.Where(n => !released.Contains(n.Key) && (n.Count(i => !kinds.IsDevice(i)) > options.NeighboursMax
            || kinds.IsDevice(n.Key) && n.Count(kinds.IsDevice) > options.NeighboursMax)).Select(n => n.Key).ToHashSet();
        var open = edges.Where(e => !parked.Contains(e.A) && !parked.Contains(e.B)).ToList();
        var raw = new Dictionary<Id, HashSet<Id>>();
        foreach (var (a, b, _) in open.Where(e => !kinds.IsDevice(e.A) && !kinds.IsDevice(e.B)))
        {
            var union = raw.GetValueOrDefault(a, [a]).Union(raw.GetValueOrDefault(b, [b])).ToHashSet();
            foreach (var id in union) raw[id] = union;
        }
        open.RemoveAll(e => !kinds.IsDevice(e.A) && !kinds.IsDevice(e.B)
            && (kinds.IsContact(e.A) || kinds.IsContact(e.B)) && raw[e.A].Count > options.RawComponentMax);
        return open;
    }

    private static void PlaceDevices(
        List<Id> ids, List<(Id A, Id B, long Time)> edges, Dictionary<Id, HashSet<Id>> component, SlowKinds kinds)
    {
        var devices = ids.Where(kinds.IsDevice).ToList();
        var group = devices.ToDictionary(d => d, d => new HashSet<Id> { d });
        foreach (var (a, b, _) in edges.Where(e => kinds.IsDevice(e.A) && kinds.IsDevice(e.B)))
        {
            var union = group[a].Union(group[b]).ToHashSet();
            foreach (var d in union) group[d] = union;
        }
        var strong = devices.ToDictionary(d => d, d => edges.Where(e => e.A == d && !kinds.IsDevice(e.B) || e.B == d && !kinds.IsDevice(e.A))
            .Select(e => component[e.A == d ? e.B : e.A]).ToHashSet());
        var joins = new List<(Id Device, HashSet<Id> With)>();
        foreach (var device in devices)
        {
            var customers = group[device].SelectMany(d => strong[d]).ToHashSet();
            if (customers.Count == 0) joins.Add((device, group[device]));
            else if (customers.Count == 1) joins.Add((device, customers.Single()));
            else if (strong[device].Count == 1) joins.Add((device, strong[device].Single()));
        }
        foreach (var join in joins)
        {
            var union = join.With.SelectMany(w => component[w]).Union(component[join.Device]).ToHashSet();
            foreach (var id in union) component[id] = union;
        }
    }

    private static int CompareEdges((Id A, Id B, long Time) x, (Id A, Id B, long Time) y, SlowKinds kinds)
    {
        (int, int, long) Key((Id A, Id B, long Time) e) =>
            (Math.Max(kinds.Class(e.A), kinds.Class(e.B)), Math.Min(kinds.Class(e.A), kinds.Class(e.B)), e.Time);
        var byKey = Key(x).CompareTo(Key(y));
        if (byKey != 0) return byKey;
        var byA = Bytes(x.A.Text).AsSpan().SequenceCompareTo(Bytes(y.A.Text));
        return byA != 0 ? byA : Bytes(x.B.Text).AsSpan().SequenceCompareTo(Bytes(y.B.Text));
    }

    public static (Id A, Id B) Pair(Id a, Id b) => Bytes(a.Text).AsSpan().SequenceCompareTo(Bytes(b.Text)) <= 0 ? (a, b) : (b, a);

    private static byte[] Bytes(string s) => Encoding.UTF8.GetBytes(s);
}
