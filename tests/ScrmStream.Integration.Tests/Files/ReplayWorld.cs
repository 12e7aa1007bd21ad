using System.Globalization;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;

namespace ScrmStream.Integration.Files;

/// <summary>
/// A random stream with everything that customers depend on: identifiers of all kinds, junk and unverified ones among them, unbinds,
/// releases, links across the end of a bridge, more values than a customer may have, crowds, many events at one time, some without an
/// event_id; and records that are no events.
/// </summary>
internal sealed class ReplayWorld
{
    private const long StartMs = 1_772_294_400_000, HourMs = 3_600_000, DayMs = 24 * HourMs;

    // What the rules of a pet shop look at.
    private static readonly string[] Names =
    [
        "like", "content_view", "coupon_claim", "order_paid", "consult", "form_submit", "share_open", "product_view", "add_to_cart",
        "unfollow", "refund", "review",
    ];

    private readonly Random _random;
    private readonly string[] _identifiers;
    private readonly long _stepMs;

    public ReplayWorld(int seed)
    {
        _random = new Random(seed);
        _identifiers = [.. Enumerable.Range(0, _random.Next(3, 30)).Select(_ => Identifier()).Distinct()];
        // Minutes meet the windows of rules and many equal times; ten days let bridges run out.
        _stepMs = _random.Next(3) switch { 0 => 600_000, 1 => 7 * HourMs, _ => 10 * DayMs };
        Events = [.. Enumerable.Range(0, _random.Next(5, 120)).Select(Event)];
        Broken = [.. Enumerable.Range(0, _random.Next(3)).Select(n => n == 0 ? "{\"event\":" : """{"event":"like","event_time":1}""")];
        NeighboursMax = _random.Next(2, 7);
        ContactValuesMax = _random.Next(1, 4);
    }

    /// <summary>The events as JSON, in the order in which they were made.</summary>
    public string[] Events { get; }

    /// <summary>Records that every engine has to reject.</summary>
    public string[] Broken { get; }

    public int NeighboursMax { get; }

    public int ContactValuesMax { get; }

    /// <summary>Limits small enough to be met, and a ring that no repeat of a world outlives; else by chance.</summary>
    public PipelineOptions Options(Random random) => new()
    {
        Identity = new IdentityOptions { NeighboursMax = NeighboursMax, ContactValuesMax = ContactValuesMax, RawComponentMax = 10 },
        EventIdRing = 1024, BatchRecordsMax = random.Next(16, 64), BatchesInFlightMax = random.Next(8, 20),
        FlushEventsMax = random.Next(1, 60), PrefetchBatches = random.Next(1, 4), DecodeLanes = random.Next(1, 3),
    };

    /// <summary>True when the event can be told from its repeat.</summary>
    public static bool HasEventId(string e) => e.Contains("\"event_id\"", StringComparison.Ordinal);

    private string Event(int number)
    {
        var roll = _random.Next(40);
        var name = roll < 3 ? "identity_unbind" : roll == 3 ? "identity_release" : _random.GetItems(Names, 1)[0];
        var count = name switch { "identity_unbind" => _random.Next(1, 4), "identity_release" => 1, _ => _random.Next(1, 5) };
        var named = _random.GetItems(_identifiers, Math.Min(count, _identifiers.Length)).Distinct();
        var id = _random.Next(10) == 0 ? "" : $"\"event_id\":\"e{number}\",";
        var time = StartMs + _random.Next(0, 24) * _stepMs;
        return $$"""{{{id}}"event":"{{name}}","event_time":{{time}},"channel":"app","identifiers":[{{string.Join(',', named)}}]{{Content(name)}}}""";
    }

    private string Content(string name) => name switch
    {
        "order_paid" or "refund" => string.Create(CultureInfo.InvariantCulture, $",\"amount_fen\":{_random.Next(1, 40_000)}"),
        "share_open" => $$""","share":{"from":"x","depth":{{_random.Next(3)}}}""",
        "review" => $$""","properties":{"stars":{{_random.Next(1, 6)}}}""",
        _ => $$""","properties":{"topic":"{{(_random.Next(2) == 0 ? "pet" : "car")}}","pet":"{{(_random.Next(2) == 0 ? "cat" : "dog")}}"}""",
    };

    private string Identifier()
    {
        var kind = (IdentifierKind)_random.Next(IdentifierKinds.Count);
        var scope = _random.Next(3) == 0 ? "b" : "a";
        var number = _random.Next(5);
        var value = kind switch
        {
            _ when _random.Next(20) == 0 => "null",
            IdentifierKind.Phone when _random.Next(2) == 0 => $"0086 139-0000-000{number}",
            IdentifierKind.Phone => $"1390000000{number}",
            IdentifierKind.Email => $"Person{number}@shop.example",
            _ => $"x{number}",
        };
        if (kind.IsPersonal()) scope = "";
        var verified = _random.Next(15) == 0 ? ",\"verified\":false" : "";
        return $$"""{"kind":"{{kind.Word()}}","scope":"{{scope}}","value":"{{value}}"{{verified}}}""";
    }
}
