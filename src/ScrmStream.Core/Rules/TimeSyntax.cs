using ScrmStream.Profiles;

namespace ScrmStream.Rules;

internal sealed record FirstSeenSyntax(int Position, EventFilter Filter, Window Window) : ConditionSyntax(Position)
{
    public override string Text => $"first_seen({Filter.Text}{Window.Text})";
    public override bool ChangesByItself => true;

    public override Condition Bind(RuleBinder binder) =>
        new FirstSeenCondition(Filter == EventFilter.Any ? null : binder.Use(new FirstTime(Filter.Text), Filter), Window);
}

internal sealed record LastSeenSyntax(int Position, Window Window) : ConditionSyntax(Position)
{
    public override string Text => $"last_seen({Window.Text})";
    public override bool ChangesByItself => true;

    public override Condition Bind(RuleBinder binder)
    {
        // What actions look back on has to have every event then.
        if (binder.IsOfActions) binder.Use(new LatestTimes(EventFilter.Any.Text, 1, 1), EventFilter.Any);
        return new LastSeenCondition(Window);
    }
}

/// <summary><c>time_since(...)</c> and <c>time_since_first(...)</c>, against a duration.</summary>
internal sealed record TimeSinceSyntax(int Position, bool IsFirst, EventFilter Filter, Comparison Comparison, long DurationMs)
    : ConditionSyntax(Position)
{
    public override string Text =>
        $"time_since{(IsFirst ? "_first" : "")}({Filter.Text}) {Comparison.Symbol()} {RuleDuration.Format(DurationMs)}";
    public override bool ChangesByItself => true;

    public override Condition Bind(RuleBinder binder)
    {
        RefuseExpiring(binder, "time_since");
        return IsFirst
            ? new TimeSinceCondition(null, binder.Use(new FirstTime(Filter.Text), Filter), Comparison, DurationMs)
            : new TimeSinceCondition(binder.Use(new LatestTimes(Filter.Text, 1, 1), Filter), null, Comparison, DurationMs);
    }
}

/// <summary><c>time_since(...)</c> against a multiple of the customer's own mean gap.</summary>
internal sealed record OwnIntervalSyntax(int Position, EventFilter Filter, Comparison Comparison, Int128 FactorMicro)
    : ConditionSyntax(Position)
{
    public override string Text => $"time_since({Filter.Text}) {Comparison.Symbol()} {FactorMicro}u * mean_gap";
    public override bool ChangesByItself => true;

    public override Condition Bind(RuleBinder binder)
    {
        RefuseExpiring(binder, "time_since");
        return new OwnIntervalCondition(
            binder.Use(new LatestTimes(Filter.Text, 1, 1), Filter), binder.Use(new FirstTime(Filter.Text), Filter),
            binder.Use(new EventCount(Filter.Text), Filter), Comparison, FactorMicro);
    }
}
