using ScrmStream.Profiles;
using ScrmStream.Rules.Actions;

namespace ScrmStream.Rules;

/// <summary>The part of the grammar that tests a customer, and that makes values.</summary>
internal sealed class ConditionParser(ExpressionParser tokens, FilterParser filters)
{
    private const string TagPrefix = "tag.", AttributePrefix = "attribute.", ScorePrefix = "score.", GradePrefix = "grade.";
    private const int DaysMax = 100_000;
    private const int FactorMax = 1_000;

    private static readonly string[] Functions =
        ["count", "sum", "min", "max", "average", "distinct", "days", "days_in_row", "seen", "first_seen", "last_seen", "first", "last",
         "time_since", "time_since_first", "days_until", "days_until_anniversary", "age_days", "age_months", "age_years", "has", "tag"];

    private static readonly string[] LaterFunctions = ["segment", "stage"];

    /// <summary>What stands behind the filter in a call.</summary>
    private readonly record struct Tail(Window Window, long AfterMs, EventField? Same);

    public ConditionSyntax Condition() => tokens.Algebra<ConditionSyntax>(
        Atom, (at, isAnd, parts) => isAnd ? FollowSyntax.Chain(at, parts) : new JoinSyntax(at, false, parts),
        (at, inner) => new NotSyntax(at, inner));

    public ValueSyntax Value()
    {
        var word = tokens.Current;
        if (word.Kind != TokenKind.Word) throw tokens.Unexpected("a value such as last(properties.sku, event = \"product_view\")");
        tokens.Take();
        switch (word.Value)
        {
            case "first" or "last":
                var (edgeField, edgeFilter, edgeWindow) = EdgeParts(word);
                return new EdgeValueSyntax(word.Position, word.Value == "last", edgeField, edgeFilter, edgeWindow);
            case "count" or "days" or "days_in_row":
                var (filter, window) = FilterAndWindow(word);
                RefuseWindowOfRow(word, window);
                return new NumberValueSyntax(word.Position, KindOf(word.Value), null, filter, window);
            case "sum" or "min" or "max" or "average" or "distinct":
                var field = FieldAndComma(isNumber: word.Value != "distinct");
                (filter, window) = FilterAndWindowInside(word);
                return new NumberValueSyntax(word.Position, KindOf(word.Value), field, filter, window);
        }
        string[] known = ["first", "last", "count", "sum", "min", "max", "average", "distinct", "days", "days_in_row"];
        throw new ExpressionException(
            word.Position, $"unknown value '{word.Value}'; there are {string.Join(", ", known)}{Suggestion.Of(word.Value, known)}");
    }

    private ConditionSyntax Atom()
    {
        var word = tokens.Current;
        if (word.Kind != TokenKind.Word) throw tokens.Unexpected("a condition such as seen(...) or count(...) >= 3");
        tokens.Take();
        switch (word.Value)
        {
            case "count": return Count(word);
            case "sum" or "min" or "max" or "average": return Measure(word);
            case "distinct" or "days" or "days_in_row": return Variety(word);
            case "seen": return Seen(word);
            case "first_seen" or "last_seen": return SeenWithin(word);
            case "first" or "last": return Edge(word);
            case "time_since" or "time_since_first": return TimeSince(word);
            case "days_until": return Date(word, DateMeasure.DaysUntil);
            case "days_until_anniversary": return Date(word, DateMeasure.DaysUntilAnniversary);
            case "age_days": return Date(word, DateMeasure.AgeDays);
            case "age_months": return Date(word, DateMeasure.AgeMonths);
            case "age_years": return Date(word, DateMeasure.AgeYears);
            case "has": return Has(word);
            case "otherwise": return new OtherwiseSyntax(word.Position);
            case "tag": return Tag(word, null);
        }
        if (word.Value.StartsWith(TagPrefix, StringComparison.Ordinal)) return Tag(word, word.Value[TagPrefix.Length..]);
        if (word.Value.StartsWith(AttributePrefix, StringComparison.Ordinal))
            return new AttributeSyntax(word.Position, word.Value[AttributePrefix.Length..], Test());
        if (word.Value.StartsWith(ScorePrefix, StringComparison.Ordinal)) return Score(word, word.Value[ScorePrefix.Length..]);
        if (word.Value.StartsWith(GradePrefix, StringComparison.Ordinal)) return Grade(word, word.Value[GradePrefix.Length..]);
        throw NotACondition(word);
    }

    private ScoreConditionSyntax Score(Token word, string score)
    {
        var comparison = tokens.TakeComparison();
        if (comparison is Comparison.Equal or Comparison.NotEqual)
            throw new ExpressionException(word.Position, "points compare with <, <=, > or >=");
        return new ScoreConditionSyntax(word.Position, score, comparison, tokens.TakeNumber(), null);
    }

    // grade.x = "A", or in a list.
    private ScoreConditionSyntax Grade(Token word, string score)
    {
        if (tokens.TryTakeWord("in")) return new ScoreConditionSyntax(word.Position, score, default, 0, filters.TextList());
        if (tokens.Current.Kind != TokenKind.Comparison || tokens.Current.Value != "=") throw tokens.Unexpected("'=' or 'in'");
        tokens.Take();
        return new ScoreConditionSyntax(word.Position, score, default, 0, [filters.TextLiteral()]);
    }

    /// <summary>
    /// What an action waits for: <c>gained(CONDITION)</c>, <c>lost(CONDITION)</c>, or a condition, which means the same as gained.
    /// </summary>
    public TriggerSyntax Trigger()
    {
        var word = tokens.Current;
        if (!word.IsWord("gained") && !word.IsWord("lost")) return new TriggerSyntax(Condition(), IsLost: false);
        tokens.Take();
        tokens.Expect(TokenKind.Open, "'('");
        var condition = Condition();
        tokens.Expect(TokenKind.Close, "')'");
        return new TriggerSyntax(condition, word.Value == "lost");
    }

    private static ExpressionException NotACondition(Token word)
    {
        if (word.Value is "gained" or "lost")
        {
            return new ExpressionException(
                word.Position, $"'{word.Value}' is the whole 'when' of an action; what else has to hold stands in its 'if'");
        }
        if (LaterFunctions.Contains(word.Value)) return new ExpressionException(word.Position, $"not supported yet: {word.Value}");
        if (word.Value == "any" || EventField.TryFind(word.Value) is not null)
        {
            return new ExpressionException(
                word.Position, $"'{word.Value}' belongs into a filter of events; write seen(...) or count(...) around it");
        }
        return new ExpressionException(word.Position, $"unknown condition '{word.Value}'{Suggestion.Of(word.Value, Functions)}");
    }

    private CountSyntax Count(Token word)
    {
        var (filter, window) = FilterAndWindow(word);
        var comparison = tokens.TakeComparison();
        var number = tokens.TakeWhole(window.IsEver ? "a count" : "a count with a window", 0, GreatestCount(window));
        return new CountSyntax(word.Position, filter, window, comparison, number);
    }

    private static long GreatestCount(Window window) => window.IsEver ? uint.MaxValue - 1L : TimeList.KeepMax - 1;

    private ConditionSyntax Measure(Token word)
    {
        var field = FieldAndComma(isNumber: true);
        var (filter, window) = FilterAndWindowInside(word);
        var (comparison, micro) = (tokens.TakeComparison(), tokens.TakeNumber());
        return word.Value == "sum"
            ? new SumSyntax(word.Position, field, filter, window, comparison, micro)
            : new MeasureSyntax(word.Position, KindOf(word.Value), field, filter, window, comparison, micro);
    }

    private VarietySyntax Variety(Token word)
    {
        var kind = KindOf(word.Value);
        tokens.Expect(TokenKind.Open, "'('");
        EventField? field = null;
        if (kind == MeasureKind.Distinct)
        {
            field = filters.Field();
            tokens.Expect(TokenKind.Comma, "',' and a filter");
        }
        var (filter, window) = FilterAndWindowInside(word);
        RefuseWindowOfRow(word, window);
        var comparison = tokens.TakeComparison();
        var greatest = kind switch
        {
            MeasureKind.Distinct => GreatestCount(window),
            MeasureKind.Days when window.IsEver => TimeList.KeepMax - 1,
            _ => RuleDuration.MaxMs / RuleDuration.DayMs,
        };
        var number = tokens.TakeWhole(word.Value, 0, greatest);
        return new VarietySyntax(word.Position, kind, field, filter, window, comparison, number);
    }

    private static void RefuseWindowOfRow(Token word, Window window)
    {
        if (word.Value == "days_in_row" && !window.IsEver)
            throw new ExpressionException(word.Position, "days_in_row(...) is the row up to today and takes no window");
    }

    private static MeasureKind KindOf(string word) => word switch
    {
        "count" => MeasureKind.Count,
        "sum" => MeasureKind.Sum,
        "min" => MeasureKind.Min,
        "max" => MeasureKind.Max,
        "average" => MeasureKind.Average,
        "distinct" => MeasureKind.Distinct,
        "days" => MeasureKind.Days,
        _ => MeasureKind.DaysInRow,
    };

    private ConditionSyntax Seen(Token word)
    {
        tokens.Expect(TokenKind.Open, "'('");
        var filter = filters.Filter();
        var tail = CallTail(word, canFollow: true);
        if (tail.AfterMs > 0) return new FollowSyntax(word.Position, filter, tail.AfterMs, tail.Same);
        return new CountSyntax(word.Position, filter, tail.Window, Comparison.GreaterOrEqual, 1, IsSeen: true);
    }

    private ConditionSyntax SeenWithin(Token word)
    {
        var filter = EventFilter.Any;
        if (tokens.TryTake(TokenKind.Open))
        {
            filter = filters.Filter();
            tokens.Expect(TokenKind.Close, "')'");
        }
        if (!tokens.TryTakeWord("within")) throw tokens.Unexpected($"'within' after {word.Value}");
        var window = tokens.TakeWindow();
        if (word.Value == "first_seen") return new FirstSeenSyntax(word.Position, filter, window);
        // Of some events, "last seen within" is "seen within".
        return filter == EventFilter.Any
            ? new LastSeenSyntax(word.Position, window)
            : new CountSyntax(word.Position, filter, window, Comparison.GreaterOrEqual, 1);
    }

    private EdgeSyntax Edge(Token word)
    {
        var (field, filter, window) = EdgeParts(word);
        return new EdgeSyntax(word.Position, word.Value == "last", field, filter, window, Test());
    }

    // What stands behind last(...), first(...) or an attribute.
    private EdgeTest Test()
    {
        var start = tokens.Current;
        if (tokens.TryTakeWord("exists")) return new EdgeTest(null, default, 0, true);
        if (tokens.TryTakeWord("in")) return new EdgeTest(filters.TextList(), default, 0, false);
        var comparison = tokens.TakeComparison();
        if (tokens.Current.Kind == TokenKind.Number) return new EdgeTest(null, comparison, tokens.TakeNumber(), false);
        if (comparison is not (Comparison.Equal or Comparison.NotEqual)) throw tokens.Unexpected($"a number after {comparison.Symbol()}");
        if (comparison == Comparison.NotEqual)
            throw new ExpressionException(start.Position, "write 'not' before it and = instead of !=, as in not last(...) = \"x\"");
        if (tokens.Current.Kind == TokenKind.Word && tokens.Current.Value is "true" or "false")
            return new EdgeTest([tokens.Take().Value], default, 0, false);
        return new EdgeTest([filters.TextLiteral()], default, 0, false);
    }

    private (EventField Field, EventFilter Filter, Window Window) EdgeParts(Token word)
    {
        var field = FieldAndComma(isNumber: false);
        var (filter, window) = FilterAndWindowInside(word);
        if (word.Value == "first" && !window.IsEver)
        {
            throw new ExpressionException(word.Position, "not supported yet: a window in first(...)");
        }
        return (field, filter, window);
    }

    private ConditionSyntax TimeSince(Token word)
    {
        tokens.Expect(TokenKind.Open, "'('");
        var filter = filters.Filter();
        tokens.Expect(TokenKind.Close, "')'");
        var at = tokens.Current;
        var comparison = tokens.TakeComparison();
        if (comparison is Comparison.Equal or Comparison.NotEqual)
            throw new ExpressionException(at.Position, "a time since an event compares with <, <=, > or >=");
        if (tokens.Current.Kind != TokenKind.Number)
            return new TimeSinceSyntax(word.Position, word.Value == "time_since_first", filter, comparison, tokens.TakeDuration());
        var factor = tokens.Current;
        var micro = tokens.TakeNumber();
        if (!tokens.TryTake(TokenKind.Times)) throw tokens.Unexpected("a duration such as 7d, or '* mean_gap'");
        if (!tokens.TryTakeWord("mean_gap")) throw tokens.Unexpected("mean_gap, the mean time between such events of the customer");
        if (word.Value == "time_since_first") throw new ExpressionException(word.Position, "mean_gap goes with time_since(...)");
        if (micro <= 0 || micro > FactorMax * (Int128)Micro.One)
            throw new ExpressionException(factor.Position, $"the factor of mean_gap lies above 0 and at or below {FactorMax}");
        return new OwnIntervalSyntax(word.Position, filter, comparison, micro);
    }

    private DateSyntax Date(Token word, DateMeasure measure)
    {
        tokens.Expect(TokenKind.Open, "'('");
        var attribute = tokens.Current;
        if (attribute.Kind != TokenKind.Word || !attribute.Value.StartsWith(AttributePrefix, StringComparison.Ordinal))
            throw tokens.Unexpected("an attribute such as attribute.birthday");
        tokens.Take();
        tokens.Expect(TokenKind.Close, "')'");
        var comparison = tokens.TakeComparison();
        var number = tokens.TakeWhole(word.Value, measure == DateMeasure.DaysUntilAnniversary ? 0 : -DaysMax, DaysMax);
        return new DateSyntax(word.Position, measure, attribute.Value[AttributePrefix.Length..], comparison, (int)number);
    }

    private TagReferenceSyntax Has(Token word)
    {
        tokens.Expect(TokenKind.Open, "'('");
        if (tokens.Current.Kind is not (TokenKind.Word or TokenKind.Text)) throw tokens.Unexpected("the name of a tag");
        var tag = tokens.Take().Value;
        tokens.Expect(TokenKind.Close, "')'");
        return new TagReferenceSyntax(word.Position, tag, null);
    }

    // tag = "x": the tag x holds. tag.x = "v": it holds with this value.
    private TagReferenceSyntax Tag(Token word, string? tag)
    {
        if (tag is not null && tokens.TryTakeWord("in")) return new TagReferenceSyntax(word.Position, tag, filters.TextList());
        if (tokens.Current.Kind != TokenKind.Comparison || tokens.Current.Value != "=")
            throw tokens.Unexpected(tag is null ? "'='" : "'=' or 'in'");
        tokens.Take();
        var text = filters.TextLiteral();
        return tag is null ? new TagReferenceSyntax(word.Position, text, null) : new TagReferenceSyntax(word.Position, tag, [text]);
    }

    private EventField FieldAndComma(bool isNumber)
    {
        tokens.Expect(TokenKind.Open, "'('");
        var position = tokens.Current.Position;
        var field = filters.Field();
        if (isNumber && !field.CanBeNumber) throw new ExpressionException(position, $"{field.Name} is no number");
        tokens.Expect(TokenKind.Comma, "',' and a filter");
        return field;
    }

    private (EventFilter Filter, Window Window) FilterAndWindow(Token word)
    {
        tokens.Expect(TokenKind.Open, "'('");
        return FilterAndWindowInside(word);
    }

    private (EventFilter Filter, Window Window) FilterAndWindowInside(Token word)
    {
        var filter = filters.Filter();
        return (filter, CallTail(word, canFollow: false).Window);
    }

    // Up to the closing parenthesis: within: 7d, and behind seen also after: it and same: FIELD.
    private Tail CallTail(Token word, bool canFollow)
    {
        Window? window = null;
        var (isAfter, position) = (false, word.Position);
        EventField? same = null;
        while (tokens.TryTake(TokenKind.Comma))
        {
            position = tokens.Current.Position;
            if (tokens.TryTakeWord("within"))
            {
                if (window is not null) throw new ExpressionException(position, "'within' stands here twice");
                window = tokens.TakeWindow();
            }
            else if (tokens.TryTakeWord("after"))
            {
                tokens.TryTake(TokenKind.Colon);
                if (!canFollow) throw new ExpressionException(position, $"'after: it' goes with seen(...), not with {word.Value}");
                if (!tokens.TryTakeWord("it")) throw tokens.Unexpected("'it': the event of the seen(...) before");
                isAfter = true;
            }
            else if (tokens.TryTakeWord("same"))
            {
                tokens.TryTake(TokenKind.Colon);
                same = filters.Field();
            }
            else throw tokens.Unexpected("'within'");
        }
        tokens.Expect(TokenKind.Close, "')' or ', within: 7d'");
        if (same is not null && !isAfter) throw new ExpressionException(position, "'same' goes with 'after: it'");
        if (!isAfter) return new Tail(window ?? Window.Ever, 0, null);
        if (window is null or CalendarWindow)
            throw new ExpressionException(position, "'after: it' needs 'within' and a duration: how long after");
        return new Tail(Window.Ever, window.HorizonMs, same);
    }
}
