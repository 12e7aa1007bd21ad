namespace ScrmStream.Host.Generation;

/// <summary>
/// What becomes of the leads of the pet shop's pipeline, by a plain loop over one customer's events in order of time, with nothing of the
/// engine: how many reach each step of the funnel behind the steps before, and how many buy without them.
/// </summary>
internal sealed class PetShopLeads
{
    private const long HourMs = 3_600_000, DayMs = 24 * HourMs;

    /// <summary>The stages that the funnel counts.</summary>
    public static IReadOnlyList<string> Steps { get; } = ["listed", "assigned", "engaged", "intent", "won", "repurchased"];

    private readonly long[] _reached = new long[Steps.Count];

    public IReadOnlyDictionary<string, long> Funnel => Steps.Select((s, i) => (s, _reached[i])).ToDictionary(s => s.s, s => s.Item2);

    /// <summary>Leads that were won without having filled a cart behind an answer.</summary>
    public long DirectDeals { get; private set; }

    public void Add(IEnumerable<(long TimeMs, PetShopAction Action)> events, long asOfMs)
    {
        var (stage, sinceMs, lastMs, step) = ("", 0L, 0L, 0);
        foreach (var (timeMs, action) in events.OrderBy(e => e.TimeMs).Append((asOfMs, PetShopAction.PageView)))
        {
            if (stage == "listed" && timeMs >= sinceMs + HourMs) Enter("assigned", sinceMs + HourMs);
            var idleMs = Math.Max(sinceMs, lastMs) + 14 * DayMs;
            if (stage is "assigned" or "engaged" or "intent" && timeMs >= idleMs) Enter("pool", idleMs);
            Happen(action, timeMs);
            lastMs = timeMs;
        }

        void Happen(PetShopAction action, long timeMs)
        {
            var answers = action is PetShopAction.Consult or PetShopAction.Like or PetShopAction.FormSubmit;
            var makes = action is PetShopAction.Follow or PetShopAction.CouponClaim or PetShopAction.FormSubmit;
            if (stage is "" or "repurchased")
            {
                if (!makes) return;
                step = 0;
                Enter("listed", timeMs);
            }
            else if (stage is "assigned" or "pool" && answers) Enter("engaged", timeMs);
            else if (stage == "engaged" && action == PetShopAction.AddToCart) Enter("intent", timeMs);
            else if (action == PetShopAction.OrderPaid) Enter(stage == "won" ? "repurchased" : "won", timeMs);
        }

        void Enter(string to, long atMs)
        {
            if (to == "won" && step != 4) DirectDeals++;
            if (step < Steps.Count && to == Steps[step]) _reached[step++]++;
            (stage, sinceMs) = (to, atMs);
        }
    }
}
