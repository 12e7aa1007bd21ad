using ScrmStream.Profiles;

namespace ScrmStream.Rules.Actions;

/// <summary>The moment that an action waits for: at which a condition begins or ceases to hold.</summary>
internal sealed record TriggerSyntax(ConditionSyntax Condition, bool IsLost)
{
    public string Text => $"{(IsLost ? "lost" : "gained")}({Condition.Text})";
}

/// <param name="If">Null: nothing else has to hold at that moment.</param>
/// <param name="OncePerMs">0: as often as it comes; <see cref="long.MaxValue"/>: once for ever.</param>
/// <param name="IsForStaff">It reaches a colleague and not the customer, so nothing about contacts concerns it.</param>
internal sealed record ActionSyntax(
    string Name, Place Place, string Description, Located<TriggerSyntax> When, Located<ConditionSyntax>? If, long OncePerMs,
    bool IsForStaff)
{
    public IEnumerable<Located<ConditionSyntax>> Conditions
    {
        get
        {
            yield return new Located<ConditionSyntax>(When.Syntax.Condition, When.Place, When.OneLine);
            if (If is not null) yield return If;
        }
    }

    public string Text => $"action {Name} {When.Syntax.Text}" + (If is null ? "" : $" if {If.Syntax.Text}")
        + (OncePerMs == 0 ? "" : $" once per {OncePerMs}") + (IsForStaff ? " staff" : "");
}

/// <summary>At most so many contacts in any time of a length.</summary>
internal readonly record struct ContactCap(int AtMost, long WithinMs)
{
    public string Text => $"{AtMost} per {RuleDuration.Format(WithinMs)}";
}

/// <summary>A reason never to contact a customer, while its condition holds.</summary>
internal sealed record ContactBar(string Reason, Located<ConditionSyntax> When);

/// <summary>What holds for all actions that reach a customer (防骚扰).</summary>
/// <param name="Also">The events that are contacts by others and count against the caps; null: none are.</param>
internal sealed record ContactSyntax(
    IReadOnlyList<ContactCap> Caps, Located<EventFilter>? Also, QuietHours? Quiet, IReadOnlyList<ContactBar> Never)
{
    public static ContactSyntax Unlimited { get; } = new([], null, null, []);

    public string Text => $"contact {string.Join(", ", Caps.Select(c => c.Text))} also {Also?.Syntax.Text} quiet {Quiet?.Text} never "
        + string.Join(", ", Never.Select(n => $"{n.Reason}: {n.When.Syntax.Text}"));
}

/// <summary>A time of day in which nobody is contacted; it may pass midnight. Immutable.</summary>
/// <param name="FromMs">Milliseconds behind midnight, by the clock of the zone.</param>
/// <param name="ToMs">The same; from then on contacts go on.</param>
internal sealed record QuietHours(long FromMs, long ToMs, CalendarZone Zone)
{
    public string Text => $"{FromMs} to {ToMs} in {Zone.Id}";

    /// <summary>The first moment from a time on that is not quiet.</summary>
    public long EndOf(long timeMs)
    {
        var clockMs = ClockMs(timeMs);
        var isQuiet = FromMs < ToMs ? clockMs >= FromMs && clockMs < ToMs : clockMs >= FromMs || clockMs < ToMs;
        if (!isQuiet) return timeMs;
        var endMs = timeMs + (ToMs - clockMs + CalendarZone.DayMs) % CalendarZone.DayMs;
        // Where the clock is set in between, by as much as it is off then.
        var offMs = ClockMs(endMs) - ToMs;
        return offMs is > -CalendarZone.DayMs / 2 and < CalendarZone.DayMs / 2 ? Math.Max(timeMs + 1, endMs - offMs) : endMs;
    }

    private long ClockMs(long timeMs) => ((Zone.LocalMs(timeMs) % CalendarZone.DayMs) + CalendarZone.DayMs) % CalendarZone.DayMs;
}
