namespace ScrmStream.TestKit.Rules;

/// <summary>An action as it stands in a rule file, and what it waits for.</summary>
/// <param name="If">Null: nothing else.</param>
/// <param name="OnceMs">0: every time; <see cref="long.MaxValue"/>: once.</param>
public sealed record SlowAction(string Name, SlowCondition When, bool IsLost, SlowCondition? If, long OnceMs, bool ForStaff);

/// <summary>What was decided: reason "" is sent.</summary>
public sealed record SlowDecision(string Action, long At, long Decided, string Reason, bool ForStaff);

/// <summary>
/// The actions of docs/actions.md once more, slow and obvious: goes over every moment at which anything can change and asks each condition
/// over the plain list of events. Written from that document, without a line of the engine.
/// </summary>
public sealed class SlowActions(RuleWorld world, IReadOnlyList<SlowAction> actions)
{
    private const long MinuteMs = 60_000;

    public IReadOnlyList<(int AtMost, long WithinMs)> Caps { get; init; } = [];
    public SlowFilter? Also { get; init; }
    public IReadOnlyList<(string Reason, SlowCondition When)> Never { get; init; } = [];
    /// <summary>Minutes of the day from and to which nobody is contacted.</summary>
    public (int From, int To)? Quiet { get; init; }

    public List<SlowDecision> Decide(IReadOnlyList<SlowEvent> events, long upToMs)
    {
        List<SlowDecision> decided = [];
        List<(SlowAction Action, long At, long Due)> waiting = [];
        var active = actions.ToDictionary(a => a.Name, a => a.IsLost);
        var moments = new SortedSet<long>(Moments(events, upToMs));
        while (moments.Count > 0)
        {
            var t = moments.Min;
            moments.Remove(t);
            SlowEvent[] known = [.. events.Where(e => e.TimeMs <= t)];
            if (known.Length == 0) continue;
            foreach (var action in actions)
            {
                var was = active[action.Name];
                active[action.Name] = action.When.Holds(known, t) != action.IsLost;
                if (was || !active[action.Name] || action.If?.Holds(known, t) == false) continue;
                var due = action.ForStaff ? t : EndOfQuiet(t);
                waiting.Add((action, t, due));
                if (due <= upToMs) moments.Add(due);
            }
            foreach (var (action, at, due) in waiting.Where(w => w.Due <= t).ToList())
            {
                waiting.Remove((action, at, due));
                decided.Add(new SlowDecision(action.Name, at, t, Reason(action, at, t, active[action.Name], known, decided), action.ForStaff));
            }
            moments.Remove(t);
        }
        return decided;
    }

    private string Reason(SlowAction action, long at, long t, bool holds, SlowEvent[] known, List<SlowDecision> decided)
    {
        if (at < t && !holds) return "over";
        if (!action.ForStaff && Never.FirstOrDefault(n => n.When.Holds(known, t)).Reason is { } reason) return reason;
        var sent = decided.Where(d => d.Reason == "").ToList();
        if (action.OnceMs > 0 && sent.Any(d => d.Action == action.Name && t - d.Decided < action.OnceMs)) return "once";
        if (action.ForStaff) return "";
        return Caps.Any(cap => sent.Count(d => !d.ForStaff && t - d.Decided < cap.WithinMs)
            + known.Count(e => Also?.Passes(e) == true && t - e.TimeMs < cap.WithinMs) >= cap.AtMost) ? "cap" : "";
    }

    // Everything happens at whole steps behind events, one millisecond later, and at midnights.
    private IEnumerable<long> Moments(IReadOnlyList<SlowEvent> events, long upToMs)
    {
        var first = events.Min(e => e.TimeMs);
        for (var t = first; t <= upToMs; t += world.StepMs)
        {
            yield return t;
            if (t + 1 <= upToMs) yield return t + 1;
        }
        for (var day = Local(first).Date; ; day = day.AddDays(1))
        {
            if (world.Zone.IsInvalidTime(day)) continue;
            var midnight = new DateTimeOffset(TimeZoneInfo.ConvertTimeToUtc(day, world.Zone)).ToUnixTimeMilliseconds();
            if (midnight > upToMs) break;
            if (midnight >= first) yield return midnight;
        }
    }

    private long EndOfQuiet(long t)
    {
        if (Quiet is not { } quiet || !IsQuiet(t)) return t;
        // Quiet hours end with a whole minute.
        for (t -= t % MinuteMs; IsQuiet(t); t += MinuteMs) { }
        return t;

        bool IsQuiet(long at)
        {
            var minute = (int)Local(at).TimeOfDay.TotalMinutes;
            return quiet.From < quiet.To ? minute >= quiet.From && minute < quiet.To : minute >= quiet.From || minute < quiet.To;
        }
    }

    private DateTime Local(long t) => TimeZoneInfo.ConvertTimeFromUtc(DateTimeOffset.FromUnixTimeMilliseconds(t).UtcDateTime, world.Zone);
}
