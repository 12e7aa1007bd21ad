using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>
/// <c>seen(..., after: it, within: d)</c>: a step that follows the <c>seen</c> before it. <see cref="Chain"/> joins it with that; left
/// alone it means nothing.
/// </summary>
internal sealed record FollowSyntax(int Position, EventFilter Filter, long WithinMs, EventField? Same) : ConditionSyntax(Position)
{
    public override string Text => $"seen({Filter.Text}, after: it, within: {RuleDuration.Format(WithinMs)})";

    public override Condition Bind(RuleBinder binder) => throw Alone(Position);

    /// <summary>Joins, in a list of conditions that are joined by "and", each step with the condition it follows.</summary>
    public static ConditionSyntax Chain(int position, List<ConditionSyntax> parts)
    {
        List<ConditionSyntax> joined = [];
        foreach (var part in parts)
        {
            var step = part as FollowSyntax ?? (part as NotSyntax)?.Inner as FollowSyntax;
            if (step is null) joined.Add(part);
            else if (joined.Count == 0) throw Alone(step.Position);
            else joined[^1] = SequenceSyntax.From(joined[^1], step).Then(step, isAbsent: part is NotSyntax);
        }
        return joined.Count == 1 ? joined[0] : new JoinSyntax(position, true, joined);
    }

    public static ExpressionException Alone(int position) => new(
        position, "'after: it' follows a seen(...) directly before it under the same 'and', as in "
        + "seen(A) and not seen(B, after: it, within: 30m)");
}

/// <summary>A sequence: each step after the first within its time of the one before; the last may be one that must not follow.</summary>
/// <param name="AbsentMs">0, or how long the last step must not follow.</param>
internal sealed record SequenceSyntax(
    int Position, IReadOnlyList<EventFilter> Steps, IReadOnlyList<long> GapsMs, Window Window, long AbsentMs, EventField? Same)
    : ConditionSyntax(Position)
{
    private const int StepsMax = 5;

    public override string Text => $"sequence({Canonical}{(AbsentMs > 0 ? "; the last absent" : "")}; same={Same?.Name}{Window.Text})";
    public override bool ChangesByItself => !Window.IsEver || AbsentMs > 0;
    public override bool NeedsAnEvent => true;

    private string Canonical => string.Join("; ", Steps.Select((s, i) => i == 0 ? s.Text : $"{s.Text} {GapsMs[i]}"));

    public static SequenceSyntax From(ConditionSyntax before, FollowSyntax step) => before switch
    {
        SequenceSyntax { AbsentMs: 0 } sequence => sequence,
        SequenceSyntax => throw new ExpressionException(step.Position, "nothing can follow what must not happen"),
        CountSyntax { IsSeen: true } first => new SequenceSyntax(first.Position, [first.Filter], [0], first.Window, 0, null),
        _ => throw FollowSyntax.Alone(step.Position),
    };

    public SequenceSyntax Then(FollowSyntax step, bool isAbsent)
    {
        if (Steps.Count == StepsMax) throw new ExpressionException(step.Position, $"a sequence has at most {StepsMax} steps");
        if (Steps.Count > 1 && step.Same?.Name != Same?.Name)
            throw new ExpressionException(step.Position, "all steps of a sequence name the same field behind 'same:', or none does");
        if (isAbsent && Window is not CalendarWindow && Window.HorizonMs <= step.WithinMs)
            throw new ExpressionException(step.Position, "this can never hold: the first event has left its window before this time is "
                + $"over; give the first seen(...) a window longer than {RuleDuration.Format(step.WithinMs)}, or none");
        return this with
        {
            Steps = [.. Steps, step.Filter], GapsMs = [.. GapsMs, step.WithinMs], AbsentMs = isAbsent ? step.WithinMs : 0, Same = step.Same,
        };
    }

    public override Condition Bind(RuleBinder binder)
    {
        RefuseExpiring(binder, "a sequence", "; give its first seen(...) a window instead");
        // Times between steps are judged when reading, so only the filters are part of what is kept.
        var text = string.Join("; ", Steps.Select(s => s.Text));
        var times = binder.Use(
            new StepTimes(text, Same, Window.HorizonMs), [.. Steps.Select((s, i) => (s, (long)i))]);
        return new SequenceCondition(times, Window, [.. GapsMs], AbsentMs);
    }
}
