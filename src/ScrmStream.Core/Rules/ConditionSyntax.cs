using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>A parsed condition. <see cref="Text"/> is canonical; <see cref="Bind"/> compiles it.</summary>
/// <param name="Position">Where it starts in its expression, for messages.</param>
internal abstract record ConditionSyntax(int Position)
{
    public abstract string Text { get; }

    public abstract Condition Bind(RuleBinder binder);

    public virtual IEnumerable<TagReferenceSyntax> References => [];

    protected static string Window(long withinMs) => withinMs == 0 ? "" : $", within: {RuleDuration.Format(withinMs)}";
}

internal sealed record JoinSyntax(int Position, bool IsAnd, IReadOnlyList<ConditionSyntax> Parts) : ConditionSyntax(Position)
{
    public override string Text => "(" + string.Join(IsAnd ? " and " : " or ", Parts.Select(p => p.Text)) + ")";
    public override IEnumerable<TagReferenceSyntax> References => Parts.SelectMany(p => p.References);

    public override Condition Bind(RuleBinder binder) => new JoinCondition(IsAnd, [.. Parts.Select(p => p.Bind(binder))]);
}

internal sealed record NotSyntax(int Position, ConditionSyntax Inner) : ConditionSyntax(Position)
{
    public override string Text => $"not {Inner.Text}";
    public override IEnumerable<TagReferenceSyntax> References => Inner.References;

    public override Condition Bind(RuleBinder binder) => new NotCondition(Inner.Bind(binder));
}

/// <summary>The last value of a group: <c>otherwise</c>.</summary>
internal sealed record OtherwiseSyntax(int Position) : ConditionSyntax(Position)
{
    public override string Text => "otherwise";

    public override Condition Bind(RuleBinder binder) => new AlwaysCondition();
}

internal sealed record CountSyntax(int Position, EventFilter Filter, long WithinMs, Comparison Comparison, long Number)
    : ConditionSyntax(Position)
{
    public override string Text => $"count({Filter.Text}{Window(WithinMs)}) {Comparison.Symbol()} {Number}";

    /// <summary>True as soon as, and as long as, there are enough events: no later event can end it.</summary>
    public bool IsThreshold => (Comparison == Comparison.GreaterOrEqual && Number >= 1) || Comparison == Comparison.Greater;

    public long Threshold => Comparison == Comparison.Greater ? Number + 1 : Number;

    public override Condition Bind(RuleBinder binder)
    {
        if (binder.ExpiresMs > 0)
        {
            var timeline = binder.EarlierTimeline(new LatestTimes(Filter.Text, LatestTimes.KeepMax, binder.ExpiresMs + WithinMs), Filter);
            if (WithinMs > 0) return new EarlierWindowCondition(timeline, WithinMs, Comparison, Number);
            return new EarlierCountCondition(binder.Use(new EventCount(Filter.Text), Filter), timeline, Comparison, Number);
        }
        if (WithinMs == 0) return new CountCondition(binder.Use(new EventCount(Filter.Text), Filter), Comparison, Number);
        // One more than the number tells "more than n" from "n".
        var enough = Comparison is Comparison.GreaterOrEqual or Comparison.Less ? Math.Max(Number, 1) : Number + 1;
        var times = binder.Use(new LatestTimes(Filter.Text, (int)enough, WithinMs), Filter);
        return new WindowCountCondition(times, WithinMs, Comparison, Number);
    }
}

internal sealed record SumSyntax(int Position, EventField Field, EventFilter Filter, long WithinMs, Comparison Comparison, Int128 Micro)
    : ConditionSyntax(Position)
{
    public override string Text => $"sum({Field.Name}, {Filter.Text}{Window(WithinMs)}) {Comparison.Symbol()} {Micro}u";

    public override Condition Bind(RuleBinder binder)
    {
        if (binder.ExpiresMs > 0)
        {
            var earlier = binder.EarlierTimeline(new LatestValues(Field, Filter.Text, binder.ExpiresMs + WithinMs), Filter);
            if (WithinMs > 0) return new EarlierWindowCondition(earlier, WithinMs, Comparison, Micro);
            return new EarlierSumCondition(binder.Use(new FieldSum(Field, Filter.Text), Filter), earlier, Comparison, Micro);
        }
        if (WithinMs == 0) return new SumCondition(binder.Use(new FieldSum(Field, Filter.Text), Filter), Comparison, Micro);
        var values = binder.Use(new LatestValues(Field, Filter.Text, WithinMs), Filter);
        return new WindowSumCondition(values, binder.NewTimeline(), WithinMs, Comparison, Micro);
    }
}

internal sealed record FirstSeenSyntax(int Position, EventFilter Filter, long WithinMs) : ConditionSyntax(Position)
{
    public override string Text => $"first_seen({Filter.Text}) within {RuleDuration.Format(WithinMs)}";

    public override Condition Bind(RuleBinder binder) =>
        new FirstSeenCondition(Filter == EventFilter.Any ? null : binder.Use(new FirstTime(Filter.Text), Filter), WithinMs);
}

internal sealed record LastSeenSyntax(int Position, long WithinMs) : ConditionSyntax(Position)
{
    public override string Text => $"last_seen within {RuleDuration.Format(WithinMs)}";

    public override Condition Bind(RuleBinder binder) => new LastSeenCondition(WithinMs);
}

/// <summary>Compares a first or last value with texts (any of them) or, when <see cref="Texts"/> is null, with a number.</summary>
internal sealed record EdgeSyntax(
    int Position, bool IsLast, EventField Field, EventFilter Filter, long WithinMs, Comparison Comparison, IReadOnlyList<string>? Texts,
    Int128 Micro) : ConditionSyntax(Position)
{
    private string Right =>
        Texts is null ? $"{Comparison.Symbol()} {Micro}u" : "in (" + string.Join(", ", Texts.Select(EventFilter.Quote)) + ")";
    public override string Text => $"{(IsLast ? "last" : "first")}({Field.Name}, {Filter.Text}{Window(WithinMs)}) {Right}";

    public override Condition Bind(RuleBinder binder)
    {
        if (binder.ExpiresMs > 0)
        {
            throw new ExpressionException(
                Position,
                "not supported yet: first(...) and last(...) in a tag that expires; put the comparison into the filter of seen(...)");
        }
        var edge = binder.Use(new EdgeValue(IsLast, Field, Filter.Text), Filter);
        return Texts is null
            ? new EdgeNumberCondition(edge, WithinMs, Comparison, Micro)
            : new EdgeTextCondition(edge, WithinMs, [.. Texts.Select(System.Text.Encoding.UTF8.GetBytes)]);
    }
}

/// <summary>Another tag holds: with any value, or, when <see cref="Values"/> is given, with one of these.</summary>
internal sealed record TagReferenceSyntax(int Position, string Tag, IReadOnlyList<string>? Values) : ConditionSyntax(Position)
{
    public override string Text => Values is null ? $"has({Tag})" : $"tag.{Tag} in ({string.Join(", ", Values.Select(EventFilter.Quote))})";
    public override IEnumerable<TagReferenceSyntax> References => [this];

    public override Condition Bind(RuleBinder binder)
    {
        if (binder.ExpiresMs > 0)
        {
            throw new ExpressionException(Position, "not supported yet: another tag in the condition of a tag that expires");
        }
        return new TagCondition(binder.TagIndex(Tag), Values is null ? null : [.. Values.Select(System.Text.Encoding.UTF8.GetBytes)]);
    }
}

/// <summary>The value of a valued tag.</summary>
internal abstract record ValueSyntax(int Position)
{
    public abstract string Text { get; }
}

internal sealed record EdgeValueSyntax(int Position, bool IsLast, EventField Field, EventFilter Filter, long WithinMs)
    : ValueSyntax(Position)
{
    public override string Text => $"{(IsLast ? "last" : "first")}({Field.Name}, {Filter.Text}, within: {WithinMs})";
}

/// <summary>A count, or with a field a sum.</summary>
internal sealed record NumberValueSyntax(int Position, EventField? Field, EventFilter Filter, long WithinMs) : ValueSyntax(Position)
{
    public override string Text => $"{(Field is null ? "count(" : $"sum({Field.Name}, ")}{Filter.Text}, within: {WithinMs})";
}
