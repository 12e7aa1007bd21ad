using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary><c>count(...)</c> with a comparison, and <c>seen(...)</c>, which is a count of at least one.</summary>
/// <param name="IsSeen">Written as <c>seen</c>, so that <c>after: it</c> can refer to it.</param>
internal sealed record CountSyntax(int Position, EventFilter Filter, Window Window, Comparison Comparison, long Number, bool IsSeen = false)
    : ConditionSyntax(Position)
{
    public override string Text => $"count({Filter.Text}{Window.Text}) {Comparison.Symbol()} {Number}";
    public override bool ChangesByItself => !Window.IsEver;
    public override bool NeedsAnEvent => !Comparison.Holds(0L, Number);

    /// <summary>True as soon as, and as long as, there are enough events: no later event can end it.</summary>
    public bool IsThreshold => (Comparison == Comparison.GreaterOrEqual && Number >= 1) || Comparison == Comparison.Greater;

    public long Threshold => Comparison == Comparison.Greater ? Number + 1 : Number;

    public override Condition Bind(RuleBinder binder)
    {
        if (binder.ExpiresMs > 0)
        {
            var horizonMs = binder.ExpiresMs + (Window.IsEver ? 0 : Window.HorizonMs);
            var timeline = binder.EarlierTimeline(new LatestTimes(Filter.Text, TimeList.KeepMax, horizonMs), Filter);
            if (!Window.IsEver) return new EarlierWindowCondition(timeline, Window, Comparison, Number);
            return new EarlierCountCondition(binder.Use(new EventCount(Filter.Text), Filter), timeline, Comparison, Number);
        }
        if (Window.IsEver) return new CountCondition(binder.Use(new EventCount(Filter.Text), Filter), Comparison, Number);
        var times = new LatestTimes(Filter.Text, ListCountCondition.Needed(Comparison, Number), Window.HorizonMs);
        return new ListCountCondition(binder.Use(times, Filter), Window, Comparison, Number);
    }
}

internal sealed record SumSyntax(int Position, EventField Field, EventFilter Filter, Window Window, Comparison Comparison, Int128 Micro)
    : ConditionSyntax(Position)
{
    public override string Text => $"sum({Field.Name}, {Filter.Text}{Window.Text}) {Comparison.Symbol()} {Micro}u";
    public override bool ChangesByItself => !Window.IsEver;
    public override bool NeedsAnEvent => !Comparison.Holds(Int128.Zero, Micro);

    public override Condition Bind(RuleBinder binder)
    {
        if (binder.ExpiresMs > 0)
        {
            var horizonMs = binder.ExpiresMs + (Window.IsEver ? 0 : Window.HorizonMs);
            var earlier = binder.EarlierTimeline(new LatestValues(Field, Filter.Text, horizonMs), Filter);
            if (!Window.IsEver) return new EarlierWindowCondition(earlier, Window, Comparison, Micro);
            return new EarlierSumCondition(binder.Use(new FieldSum(Field, Filter.Text), Filter), earlier, Comparison, Micro);
        }
        if (Window.IsEver) return new SumCondition(binder.Use(new FieldSum(Field, Filter.Text), Filter), Comparison, Micro);
        var values = binder.Use(new LatestValues(Field, Filter.Text, Window.HorizonMs), Filter);
        return new WindowMeasureCondition(values, Window, MeasureKind.Sum, Comparison, Micro);
    }
}

/// <summary><c>min</c>, <c>max</c> and <c>average</c> of a number field.</summary>
internal sealed record MeasureSyntax(
    int Position, MeasureKind Kind, EventField Field, EventFilter Filter, Window Window, Comparison Comparison, Int128 Micro)
    : ConditionSyntax(Position)
{
    public override string Text =>
        $"{Kind.ToString().ToLowerInvariant()}({Field.Name}, {Filter.Text}{Window.Text}) {Comparison.Symbol()} {Micro}u";
    public override bool ChangesByItself => !Window.IsEver;
    public override bool NeedsAnEvent => true;

    public override Condition Bind(RuleBinder binder)
    {
        RefuseExpiring(binder, "min, max and average");
        if (Window.IsEver)
            return new SummaryCondition(binder.Use(new FieldSummary(Field, Filter.Text), Filter), Kind, Comparison, Micro);
        var values = binder.Use(new LatestValues(Field, Filter.Text, Window.HorizonMs), Filter);
        return new WindowMeasureCondition(values, Window, Kind, Comparison, Micro);
    }
}

/// <summary><c>distinct</c> (values of a field), <c>days</c> (calendar days with an event) and <c>days_in_row</c>.</summary>
internal sealed record VarietySyntax(
    int Position, MeasureKind Kind, EventField? Field, EventFilter Filter, Window Window, Comparison Comparison, long Number)
    : ConditionSyntax(Position)
{
    public override string Text => $"{Kind.ToString().ToLowerInvariant()}({Field?.Name}{(Field is null ? "" : ", ")}"
        + $"{Filter.Text}{Window.Text}) {Comparison.Symbol()} {Number}";
    public override bool ChangesByItself => !Window.IsEver || Kind == MeasureKind.DaysInRow;
    public override bool NeedsAnEvent => !Comparison.Holds(0L, Number);

    public override Condition Bind(RuleBinder binder)
    {
        RefuseExpiring(binder, "distinct, days and days_in_row");
        if (Kind == MeasureKind.Distinct && Window.IsEver)
            return new DistinctCondition(binder.Use(new DistinctValues(Field!, Filter.Text), Filter), Comparison, Number);
        var keep = ListCountCondition.Needed(Comparison, Number);
        if (Kind == MeasureKind.DaysInRow)
        {
            var days = LatestPerKey.OfDays(binder.Zone, Filter.Text, keep, RowHorizonMs(keep));
            return new DaysInRowCondition(binder.Use(days, Filter), binder.Zone, Comparison, Number);
        }
        var list = Kind == MeasureKind.Days
            ? LatestPerKey.OfDays(binder.Zone, Filter.Text, keep, Window.HorizonMs)
            : LatestPerKey.OfValues(Field!, Filter.Text, keep, Window.HorizonMs);
        return new ListCountCondition(binder.Use(list, Filter), Window, Comparison, Number);
    }

    /// <summary>So many days lie less than this apart, also where a clock is set back between them.</summary>
    public static long RowHorizonMs(int days) => (days + 1) * CalendarZone.DayMs;
}
