using ScrmStream.Identity;
using ScrmStream.Rules.Actions;

namespace ScrmStream.Pipeline;

/// <summary>An occurrence of an action that was decided for a customer. Times are Unix milliseconds.</summary>
/// <param name="AtMs">The moment that the action waited for.</param>
/// <param name="DecidedMs">The moment it was decided for: the same, or the end of the quiet hours.</param>
/// <param name="Reason">Why it is not to be carried out; empty: it is.</param>
public readonly record struct CustomerAction(
    IdentifierId Customer, string Action, long AtMs, long DecidedMs, bool IsForStaff, string Reason)
{
    public bool IsSent => Reason.Length == 0;

    /// <summary>The word for what became of it.</summary>
    public string Outcome => IsSent ? "sent" : "suppressed";

    /// <inheritdoc cref="TagChange.Rules"/>
    public string? Rules { get; init; }

    public static CustomerAction Of(IdentifierId customer, in ActionDecision decision) => new(
        customer, decision.Rule.Name, decision.Entry.AtMs, decision.Entry.DecidedMs, decision.Entry.IsForStaff, decision.Entry.Reason);
}
