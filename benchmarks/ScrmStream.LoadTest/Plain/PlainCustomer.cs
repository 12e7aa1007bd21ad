namespace ScrmStream.LoadTest.Plain;

/// <summary>
/// One customer in memory: events of each type in daily buckets of the last seven days, a score that halves every 14 days, and what was
/// paid. The rules are those of <c>schemas/rules/examples/reference.yaml</c>, written as code.
/// </summary>
internal sealed class PlainCustomer(long id)
{
    public static readonly string[] Types =
    [
        "page_view", "product_view", "search", "like", "share", "share_open", "add_to_cart", "coupon_claim", "consult", "form_submit",
        "follow", "unfollow", "order_created", "order_paid", "refund", "login",
    ];

    private const int Days = 7;
    private const long DayMs = 86_400_000;
    private const double HalfLifeMs = 14.0 * DayMs;
    private static readonly double[] Points = [0.5, 2, 1, 1, 3, 1, 8, 4, 10, 15, 5, -30, 20, 50, -20, 1];
    // So many events of a type within seven days make its tag.
    private static readonly int[] Needed = [10, 5, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 5];

    private readonly int[,] _counts = new int[Days, Types.Length];
    private readonly long[] _day = new long[Days];
    private long _scoreTimeMs;
    private double _score;
    private PlainCustomer? _parent;
    private int _size = 1;

    public long Id => id;
    public double Score => _score;
    public string Grade => _score switch { >= 80 => "A", >= 50 => "B", >= 20 => "C", _ => "D" };
    public long LastSeenMs { get; private set; }
    public long PaidFen { get; private set; }

    /// <summary>The customer that it has become part of, or itself.</summary>
    public PlainCustomer Root()
    {
        var root = this;
        while (root._parent is { } parent) root = root._parent = parent._parent ?? parent;
        return root;
    }

    /// <returns>The greater of two roots, which has taken in what the other had.</returns>
    public PlainCustomer Merge(PlainCustomer other)
    {
        if (other == this) return this;
        if (other._size > _size) return other.Merge(this);
        (other._parent, _size) = (this, _size + other._size);
        for (var slot = 0; slot < Days; slot++)
        {
            if (other._day[slot] < _day[slot]) continue;
            var isLater = other._day[slot] > _day[slot];
            _day[slot] = other._day[slot];
            for (var type = 0; type < Types.Length; type++)
                _counts[slot, type] = other._counts[slot, type] + (isLater ? 0 : _counts[slot, type]);
        }
        var at = Math.Max(_scoreTimeMs, other._scoreTimeMs);
        (_score, _scoreTimeMs) = (Faded(at) + other.Faded(at), at);
        LastSeenMs = Math.Max(LastSeenMs, other.LastSeenMs);
        PaidFen += other.PaidFen;
        return this;
    }

    /// <exception cref="InvalidDataException">The rules know no such event.</exception>
    public void Apply(PlainEvent e)
    {
        var type = Array.IndexOf(Types, e.Event);
        if (type < 0) throw new InvalidDataException($"{e.Event}: no such event");
        var day = e.EventTime / DayMs;
        var slot = day % Days;
        if (_day[slot] < day)
        {
            _day[slot] = day;
            for (var i = 0; i < Types.Length; i++) _counts[slot, i] = 0;
        }
        if (_day[slot] == day) _counts[slot, type]++;
        var at = Math.Max(_scoreTimeMs, e.EventTime);
        (_score, _scoreTimeMs) = (Faded(at) + Points[type] * Share(at - e.EventTime), at);
        LastSeenMs = Math.Max(LastSeenMs, e.EventTime);
        if (e.Event == "order_paid") PaidFen += e.AmountFen;
    }

    /// <summary>The types whose tag it has.</summary>
    public IEnumerable<string> Tags()
    {
        var since = LastSeenMs / DayMs - Days;
        for (var type = 0; type < Types.Length; type++)
        {
            var count = 0;
            for (var slot = 0; slot < Days; slot++)
                if (_day[slot] > since) count += _counts[slot, type];
            if (count >= Needed[type]) yield return Types[type];
        }
    }

    private double Faded(long atMs) => _score * Share(atMs - _scoreTimeMs);

    private static double Share(long ageMs) => Math.Pow(0.5, ageMs / HalfLifeMs);
}
