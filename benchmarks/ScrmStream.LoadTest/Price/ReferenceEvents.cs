using System.Text;

namespace ScrmStream.LoadTest.Price;

/// <summary>One event of the reference topic. The lists last until the next event is made.</summary>
/// <param name="Type">Its place in <see cref="ReferenceEvents.Types"/>.</param>
/// <param name="Json">The canonical event.</param>
/// <param name="Identifiers">Kind and value of each: the kinds name their scopes.</param>
internal readonly record struct ReferenceEvent(
    int Type, long AmountFen, StringBuilder Json, IReadOnlyList<(string Kind, string Value)> Identifiers)
{
    /// <summary>The value of the first identifier.</summary>
    public string Key => Identifiers[0].Value;
}

/// <summary>
/// The reference topic by seed: about 290 bytes of JSON an event, one to three identifiers, half of the traffic from a tenth of the people.
/// No two events share an event_id, no limit of identity is met, and all of it happens within less than seven days. One thread.
/// </summary>
/// <param name="firstNumber">
/// How many events came before: from there on the same people do the same things again, each event later and with an event_id of its own.
/// </param>
internal sealed class ReferenceEvents(int people, int seed, long firstNumber = 0)
{
    private const long StartMs = 1_760_000_000_000;
    private const int StepMs = 50, JitterMs = 60_000;
    private const int OrderCreated = 12, Refund = 14;
    private static readonly int[] Weights = [300, 240, 80, 60, 40, 40, 70, 30, 25, 15, 20, 5, 25, 20, 5, 25];
    private static readonly string[] Channels = ["mini_program", "app", "web", "wechat_official"];
    private static readonly string[] Topics = ["pet", "baby", "beauty", "sport", "car", "travel", "food", "home"];
    private static readonly int WeightOfAll = Weights.Sum();

    private readonly SplittableNumbers _random = new(seed);
    private readonly StringBuilder _json = new(512);
    private readonly List<(string Kind, string Value)> _identifiers = [];
    private long _number = firstNumber;

    /// <summary>Names of events, each of which is also the name of a tag of <c>reference.yaml</c>.</summary>
    public static IReadOnlyList<string> Types { get; } =
    [
        "page_view", "product_view", "search", "like", "share", "share_open", "add_to_cart", "coupon_claim", "consult", "form_submit",
        "follow", "unfollow", "order_created", "order_paid", "refund", "login",
    ];

    /// <param name="hasId">False: the event is the same but for its event_id, which it has not.</param>
    public ReferenceEvent Next(bool hasId = true)
    {
        var person = _random.Next(2) == 0 ? _random.Next(Math.Max(1, people / 10)) : _random.Next(people);
        var channel = _random.Next(Channels.Length);
        var type = TypeOf(_random.Next(WeightOfAll));
        var timeMs = StartMs + _number * StepMs + _random.Next(JitterMs);
        _json.Clear();
        _identifiers.Clear();
        _json.Append('{');
        if (hasId) _json.Append($"\"event_id\":\"g-{_number}\",");
        _json.Append($"\"event\":\"{Types[type]}\",\"event_time\":{timeMs},\"channel\":\"{Channels[channel]}\",\"identifiers\":[");
        AddIdentifiers(person, channel);
        _json.Append($"],\"session_id\":\"s-{person}-{_number >> 14}\",\"page\":\"/p/{_random.Next(5000)}\"");
        var amountFen = type is >= OrderCreated and <= Refund ? 100 + _random.Next(99_900) : 0;
        if (amountFen > 0) _json.Append($",\"amount_fen\":{amountFen},\"currency\":\"CNY\"");
        var topic = Topics[_random.Next(Topics.Length)];
        _json.Append($",\"properties\":{{\"topic\":\"{topic}\",\"sku\":\"k{_random.Next(20_000)}\"}}}}");
        _number++;
        return new ReferenceEvent(type, amountFen, _json, _identifiers);
    }

    // A device meets one account only, so no two links disagree.
    private void AddIdentifiers(int person, int channel)
    {
        switch (channel)
        {
            case 0: AddIdentifier("openid", "wx00000000000000a1", $"o0-{person}"); break;
            case 1: AddIdentifier("device_id", "app", $"d-{person}-{_random.Next(2)}"); break;
            case 2: AddIdentifier("cookie", "web", $"c-{person}-{_random.Next(3)}"); break;
            default: AddIdentifier("openid", "wx00000000000000b2", $"o1-{person}"); break;
        }
        var link = _random.Next(100);
        var isOpen = channel is 0 or 3;
        if (isOpen && link < 60) AddIdentifier("unionid", "open-platform-1", $"u-{person}");
        if (isOpen && link < 25) AddIdentifier("phone", "", $"+86139{person:00000000}");
        if (isOpen ? link >= 90 : link < 25) AddIdentifier("member_id", "shop", $"m-{person}");
    }

    private void AddIdentifier(string kind, string scope, string value)
    {
        if (_identifiers.Count > 0) _json.Append(',');
        _json.Append($"{{\"kind\":\"{kind}\",\"scope\":\"{scope}\",\"value\":\"{value}\"}}");
        _identifiers.Add((kind, value));
    }

    private static int TypeOf(int pick)
    {
        var type = 0;
        for (var sum = Weights[0]; sum <= pick; sum += Weights[type]) type++;
        return type;
    }
}
