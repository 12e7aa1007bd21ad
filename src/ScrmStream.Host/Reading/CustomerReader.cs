using System.Text;
using ScrmStream.ClickHouse;
using ScrmStream.Events;
using ScrmStream.Host.Settings;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.Host.Reading;

/// <summary>Reads customers from Redis, with their identifiers. One use at a time.</summary>
/// <param name="clickHouse">Knows the identifiers of a customer by one query; null: they are found over the cells in Redis.</param>
/// <param name="rules">For grades as of another time; null: grades as stored.</param>
/// <param name="kinds">Their strength, for the order of identifiers.</param>
public sealed class CustomerReader(RedisConnection redis, ClickHouseClient? clickHouse, RuleSet? rules, KindTable kinds)
{
    /// <summary>More identifiers than that are not listed.</summary>
    public const int IdentifiersMax = 10_000;

    private const int ReadsAtOnce = 64;

    private readonly RedisReader _views = new(redis);
    private readonly RedisCellStore _cells = new(redis);

    /// <summary>
    /// The ids that a user's word may stand for, to be tried in turn: 32 hex digits are an id, <c>KIND:SCOPE:VALUE</c> is normalised and
    /// hashed as events are.
    /// </summary>
    /// <exception cref="SettingsException">It names nobody; the message says what to give.</exception>
    public static IReadOnlyList<IdentifierId> IdsOf(string named, IdentityOptions identity)
    {
        if (IdentifierId.TryParse(named.ToLowerInvariant(), out var id)) return [id];
        try
        {
            return [.. new IdentifierLookup(identity).TextsOf(named).Select(text => IdentifierId.Of(Encoding.UTF8.GetBytes(text)))];
        }
        catch (ArgumentException e)
        {
            var isId = !named.Contains(':', StringComparison.Ordinal);
            throw new SettingsException(isId ? $"{e.Message} An id has 32 hex digits." : e.Message);
        }
    }

    /// <summary>The customer that the first of some ids belongs to, of those that are anybody's; null when none is.</summary>
    public async Task<CustomerCard?> ReadFirstAsync(IReadOnlyList<IdentifierId> ids, long asOfMs, CancellationToken cancel)
    {
        foreach (var id in ids)
            if (await ReadAsync(id, asOfMs, cancel) is { } customer) return customer;
        return null;
    }

    /// <summary>The customer an id belongs to, scores as of a time; null when nobody's.</summary>
    public async Task<CustomerCard?> ReadAsync(IdentifierId id, long asOfMs, CancellationToken cancel)
    {
        if (await _views.ReadViewAsync(id, cancel) is not { } stored) return null;
        var texts = clickHouse is null
            ? await FromCellsAsync(stored.Customer, cancel)
            : await FromMapAsync(clickHouse, stored.Customer, cancel);
        texts.Sort(ByStrength);
        return CustomerCard.Of(stored, [.. texts.Select(t => CustomerIdentifier.TryParse(t)!)], rules, asOfMs);
    }

    /// <summary>The customers of some ids without their identifiers, in the same order; null where there is none.</summary>
    public async Task<IReadOnlyList<CustomerCard?>> ReadManyAsync(IReadOnlyList<IdentifierId> ids, long asOfMs, CancellationToken cancel)
    {
        var cards = new List<CustomerCard?>(ids.Count);
        foreach (var part in ids.Chunk(ReadsAtOnce))
        {
            var views = await Task.WhenAll(part.Select(id => _views.ReadViewAsync(id, cancel)));
            cards.AddRange(views.Select(v => v is null ? null : CustomerCard.Of(v, [], rules, asOfMs)));
        }
        return cards;
    }

    private static async Task<List<string>> FromMapAsync(ClickHouseClient clickHouse, IdentifierId customer, CancellationToken cancel)
    {
        // The id is ours, 32 hex digits: nothing to quote.
        var rows = await ResultRows.ReadAsync(
            clickHouse, $"SELECT text FROM identity_map WHERE customer = '{customer}' LIMIT {IdentifiersMax}", cancel);
        return rows.ConvertAll(row => row[0].GetString()!);
    }

    // From the root over edges: a neighbour belongs to the customer when its view says so.
    private async Task<List<string>> FromCellsAsync(IdentifierId customer, CancellationToken cancel)
    {
        var members = new List<string>();
        var seen = new HashSet<IdentifierId> { customer };
        var next = new List<IdentifierId> { customer };
        while (next.Count > 0 && members.Count < IdentifiersMax)
        {
            var cells = await _cells.LoadAsync(next, cancel);
            var neighbours = new List<IdentifierId>();
            foreach (var cell in cells)
            {
                if (cell.Cell is null) continue;
                var (text, others) = ReadCell(cell.Cell);
                members.Add(text);
                neighbours.AddRange(others.Where(seen.Add));
            }
            next = await MembersAmongAsync(neighbours, customer, cancel);
        }
        return members;
    }

    private async Task<List<IdentifierId>> MembersAmongAsync(List<IdentifierId> ids, IdentifierId customer, CancellationToken cancel)
    {
        var members = new List<IdentifierId>();
        foreach (var part in ids.Chunk(ReadsAtOnce))
        {
            var views = await Task.WhenAll(part.Select(id => _views.ReadViewAsync(id, cancel)));
            for (var i = 0; i < part.Length; i++)
                if (views[i]?.Customer == customer) members.Add(part[i]);
        }
        return members;
    }

    private static (string Text, List<IdentifierId> Neighbours) ReadCell(byte[] cell)
    {
        var evidence = new CellEvidence(cell);
        var neighbours = new List<IdentifierId>(evidence.EdgeCount);
        foreach (var edge in evidence) neighbours.Add(IdentifierId.Of(edge.Text));
        return (Encoding.UTF8.GetString(evidence.Text), neighbours);
    }

    private int ByStrength(string a, string b)
    {
        var (x, y) = (Encoding.UTF8.GetBytes(a), Encoding.UTF8.GetBytes(b));
        return kinds.CompareStrength(KindOf(a), x, KindOf(b), y);
    }

    private static IdentifierKind KindOf(string text)
    {
        IdentifierKinds.TryParse(Encoding.UTF8.GetBytes(text[..text.IndexOf(':', StringComparison.Ordinal)]), out var kind);
        return kind;
    }
}
