using System.Globalization;

namespace ScrmStream.Host.Generation;

/// <summary>
/// Keeps what was generated and works out the truth from it by plain loops, with nothing of the engine: people are split into
/// customers by which of their identifiers ever stood in one event, and each tag is a loop over a customer's events.
/// </summary>
internal sealed class PetShopLedger(int heroine)
{
    private const long DayMs = 86_400_000;

    private readonly record struct Line(
        long TimeMs, int Person, int AmountFen, PetShopAction Action, Known Identifiers, sbyte Product, bool IsAboutPets);

    private readonly List<Line> _lines = [];
    private readonly SortedDictionary<string, long> _rejected = new(StringComparer.Ordinal);
    private long _records, _events;

    public void NoteRecord() => _records++;

    public void Note(in PetShopEvent e)
    {
        _events++;
        if (Refusal(e.Flaw) is { } reason) _rejected[reason] = _rejected.GetValueOrDefault(reason) + 1;
        else _lines.Add(new Line(e.TimeMs, e.Person, e.AmountFen, e.Action, e.Identifiers, (sbyte)e.Product, e.IsAboutPets));
    }

    public PetShopTruth Truth(long? asOfMs)
    {
        // Sorting is stable: each person's events stay in order.
        var byPerson = _lines.OrderBy(l => l.Person).ToArray();
        var totals = new Totals();
        var endMs = asOfMs ?? _lines.Max(l => l.TimeMs);
        for (var from = 0; from < byPerson.Length;)
        {
            var to = from;
            while (to < byPerson.Length && byPerson[to].Person == byPerson[from].Person) to++;
            AddPerson(byPerson.AsSpan(from, to - from), endMs, totals);
            from = to;
        }
        return new PetShopTruth(
            _records, _events, _lines.Count, _rejected, _lines.Count, totals.Identifiers, totals.Customers,
            _lines.Sum(l => (long)l.AmountFen), totals.RepeatBuyers, totals.Tags,
            totals.Values.ToDictionary(v => v.Key, v => (IReadOnlyDictionary<string, long>)v.Value),
            totals.Tags.Values.Sum(), totals.Heroine!)
        {
            LeadFunnel = totals.Leads.Funnel, DirectDeals = totals.Leads.DirectDeals,
        };
    }

    private static string? Refusal(Flaw flaw) => flaw switch
    {
        Flaw.None or Flaw.JunkBeside => null,
        Flaw.OnlyJunk => "no_verified_identifier",
        Flaw.CutOff => "not_decodable",
        Flaw.NoName => "no_event_name",
        Flaw.NoTime => "no_event_time",
        Flaw.InSeconds or Flaw.FarAhead => "event_time_out_of_range",
        _ => "duplicate",
    };

    private void AddPerson(ReadOnlySpan<Line> lines, long asOfMs, Totals totals)
    {
        foreach (var customer in Customers(lines))
        {
            totals.Customers++;
            totals.Identifiers += System.Numerics.BitOperations.PopCount((uint)customer);
            List<Line> own = [];
            foreach (ref readonly var line in lines)
            {
                if ((line.Identifiers & customer) != 0) own.Add(line);
            }
            var tags = Tags(own, asOfMs);
            totals.Add(tags, own.Count(l => l.Action == PetShopAction.OrderPaid));
            totals.Leads.Add(own.Select(l => (l.TimeMs, l.Action)), asOfMs);
            if (own[0].Person != heroine) continue;
            var texts = PetShopIdentifiers.Heroine.Where(h => (h.Slot & customer) != 0).Select(h => h.StoredText);
            totals.Heroine = new HeroineTruth([.. texts.Order(StringComparer.Ordinal)], tags, own.Count, own.Sum(l => (long)l.AmountFen));
        }
    }

    // Sets of identifiers that hang together: each event's set is merged with every set that it touches.
    private static List<Known> Customers(ReadOnlySpan<Line> lines)
    {
        List<Known> sets = [];
        foreach (ref readonly var line in lines)
        {
            var merged = line.Identifiers;
            for (var i = sets.Count - 1; i >= 0; i--)
            {
                if ((sets[i] & line.Identifiers) == 0) continue;
                merged |= sets[i];
                sets.RemoveAt(i);
            }
            sets.Add(merged);
        }
        return sets;
    }

    private static Dictionary<string, string> Tags(List<Line> events, long asOfMs)
    {
        long lastPetsMs = long.MinValue, lastCouponMs = long.MinValue, lastIntentMs = long.MinValue, lastOrderMs = long.MinValue;
        long firstMs = long.MaxValue, lastPetMs = long.MinValue, paidFen = 0;
        int orders = 0, orders90 = 0, orders180 = 0;
        string? pet = null;
        foreach (var e in events)
        {
            firstMs = Math.Min(firstMs, e.TimeMs);
            if (e.Action is PetShopAction.Like or PetShopAction.ContentView && e.IsAboutPets) lastPetsMs = Math.Max(lastPetsMs, e.TimeMs);
            if (e.Action == PetShopAction.CouponClaim) lastCouponMs = Math.Max(lastCouponMs, e.TimeMs);
            if (e.Action is PetShopAction.Consult or PetShopAction.FormSubmit) lastIntentMs = Math.Max(lastIntentMs, e.TimeMs);
            var named = e.Product >= 0 ? PetShopCatalog.Products[e.Product].Pet : null;
            if (named is not null && e.TimeMs > lastPetMs) (pet, lastPetMs) = (named, e.TimeMs);
            if (e.Action != PetShopAction.OrderPaid) continue;
            orders++;
            paidFen += e.AmountFen;
            lastOrderMs = Math.Max(lastOrderMs, e.TimeMs);
            if (e.TimeMs > asOfMs - 90 * DayMs) orders90++;
            if (e.TimeMs > asOfMs - 180 * DayMs) orders180++;
        }
        var isInterested = lastPetsMs > asOfMs - 30 * DayMs;
        var hasHighIntent = lastIntentMs > asOfMs - 3 * DayMs && lastOrderMs <= asOfMs - 3 * DayMs;
        Dictionary<string, string> tags = [];
        if (isInterested) tags["interested_in_pets"] = "1";
        if (pet is not null) tags["pet"] = pet;
        if (pet is "cat") tags["cat_owner"] = "1";
        if (pet is "dog") tags["dog_owner"] = "1";
        if (lastCouponMs > asOfMs - 14 * DayMs) tags["coupon_holder"] = "1";
        if (orders > 0) tags["buyer"] = "1";
        if (paidFen >= 30_000) tags["big_spender"] = "1";
        if (hasHighIntent) tags["high_intent"] = "1";
        if (orders90 > 0) tags["orders_90d"] = orders90.ToString(CultureInfo.InvariantCulture);
        tags["lifecycle"] = orders180 >= 3 ? "loyal"
            : orders > 0 ? "customer"
            : firstMs > asOfMs - 7 * DayMs ? "new"
            : hasHighIntent || isInterested ? "prospect" : "visitor";
        return tags;
    }

    private sealed class Totals
    {
        private static readonly string[] Valued = ["pet", "orders_90d", "lifecycle"];

        public long Identifiers { get; set; }
        public long Customers { get; set; }
        public long RepeatBuyers { get; set; }
        public HeroineTruth? Heroine { get; set; }
        public PetShopLeads Leads { get; } = new();
        public SortedDictionary<string, long> Tags { get; } = new(StringComparer.Ordinal);
        public SortedDictionary<string, SortedDictionary<string, long>> Values { get; } = new(StringComparer.Ordinal);

        public void Add(Dictionary<string, string> tags, int orders)
        {
            if (orders >= 2) RepeatBuyers++;
            foreach (var (tag, value) in tags)
            {
                Tags[tag] = Tags.GetValueOrDefault(tag) + 1;
                if (!Valued.Contains(tag)) continue;
                if (!Values.TryGetValue(tag, out var counts)) Values[tag] = counts = new(StringComparer.Ordinal);
                counts[value] = counts.GetValueOrDefault(value) + 1;
            }
        }
    }
}
