using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>
/// Parses the expressions of a rule file. The grammar is that of <c>docs/rules.md</c>; what belongs to a later version is refused by
/// name, so that nobody believes it works.
/// </summary>
internal sealed class ExpressionParser
{
    private const int DepthMax = 32;

    private static readonly string[] LaterFunctions =
        ["distinct", "average", "avg", "min", "max", "days", "day_count", "time_since",
         "sequence", "then", "gained", "lost", "segment", "stage"];

    private readonly List<Token> _tokens;
    private readonly FilterParser _filters;
    private int _at;
    private int _depth;

    private ExpressionParser(string text)
    {
        _tokens = ExpressionLexer.Split(text);
        _filters = new FilterParser(this);
    }

    /// <exception cref="ExpressionException">With the place and the reason.</exception>
    public static ConditionSyntax ParseCondition(string text) => Whole(text, p => p.Condition());

    /// <inheritdoc cref="ParseCondition"/>
    public static EventFilter ParseFilter(string text) => Whole(text, p => p._filters.Filter());

    /// <inheritdoc cref="ParseCondition"/>
    public static ValueSyntax ParseValue(string text) => Whole(text, p => p.Value());

    internal Token Current => _tokens[_at];

    internal Token Take() => _tokens[_at++];

    internal bool TryTake(TokenKind kind)
    {
        if (Current.Kind != kind) return false;
        _at++;
        return true;
    }

    internal bool TryTakeWord(string word)
    {
        if (!Current.IsWord(word)) return false;
        _at++;
        return true;
    }

    internal void Expect(TokenKind kind, string what)
    {
        if (!TryTake(kind)) throw Unexpected(what);
    }

    internal ExpressionException Unexpected(string wanted) => new(Current.Position, $"expected {wanted}, found {Current}");

    /// <summary>or, and, not and parentheses, in this order of binding, over whatever an atom is.</summary>
    internal T Algebra<T>(Func<T> atom, Func<int, bool, List<T>, T> join, Func<int, T, T> not)
    {
        return Joined("or", () => Joined("and", Negated));

        T Joined(string word, Func<T> inner)
        {
            var position = Current.Position;
            List<T> parts = [inner()];
            while (TryTakeWord(word)) parts.Add(inner());
            return parts.Count == 1 ? parts[0] : join(position, word == "and", parts);
        }

        T Negated()
        {
            if (++_depth > DepthMax) throw new ExpressionException(Current.Position, $"nested deeper than {DepthMax}");
            var position = Current.Position;
            T result;
            if (TryTakeWord("not")) result = not(position, Negated());
            else if (TryTake(TokenKind.Open))
            {
                result = Joined("or", () => Joined("and", Negated));
                Expect(TokenKind.Close, "')'");
            }
            else result = atom();
            _depth--;
            return result;
        }
    }

    private static T Whole<T>(string text, Func<ExpressionParser, T> parse)
    {
        var parser = new ExpressionParser(text);
        var result = parse(parser);
        if (parser.Current.Kind != TokenKind.End) throw parser.Unexpected("the end, 'and' or 'or'");
        return result;
    }

    private ConditionSyntax Condition() =>
        Algebra<ConditionSyntax>(Atom, (at, isAnd, parts) => new JoinSyntax(at, isAnd, parts), (at, inner) => new NotSyntax(at, inner));

    private ConditionSyntax Atom()
    {
        var word = Current;
        if (word.Kind != TokenKind.Word) throw Unexpected("a condition such as seen(...) or count(...) >= 3");
        Take();
        switch (word.Value)
        {
            case "count": return Count(word);
            case "sum": return Sum(word);
            case "seen": return Seen(word);
            case "first_seen" or "last_seen": return SeenWithin(word);
            case "first" or "last": return Edge(word);
            case "has": return Has(word);
            case "otherwise": return new OtherwiseSyntax(word.Position);
            case "tag": return Tag(word, null);
        }
        if (word.Value.StartsWith("tag.", StringComparison.Ordinal)) return Tag(word, word.Value["tag.".Length..]);
        throw NotACondition(word);
    }

    private static ExpressionException NotACondition(Token word)
    {
        if (LaterFunctions.Contains(word.Value)) return new ExpressionException(word.Position, $"not supported yet: {word.Value}");
        if (word.Value == "any" || EventField.TryFind(word.Value) is not null)
        {
            return new ExpressionException(
                word.Position, $"'{word.Value}' belongs into a filter of events; write seen(...) or count(...) around it");
        }
        return new ExpressionException(word.Position, $"unknown condition '{word.Value}'");
    }

    private CountSyntax Count(Token word)
    {
        var (filter, withinMs) = FilterAndWindow();
        var comparison = TakeComparison();
        var number = Current;
        var micro = TakeNumber();
        if (micro < 0 || micro % Micro.One != 0)
        {
            throw new ExpressionException(number.Position, "a count compares with a whole number from 0");
        }
        var n = micro / Micro.One;
        var greatest = withinMs > 0 ? LatestTimes.KeepMax - 1 : uint.MaxValue - 1L;
        if (n > greatest)
        {
            throw new ExpressionException(
                number.Position, $"a count {(withinMs > 0 ? "with a window " : "")}compares with at most {greatest}");
        }
        return new CountSyntax(word.Position, filter, withinMs, comparison, (long)n);
    }

    private SumSyntax Sum(Token word)
    {
        Expect(TokenKind.Open, "'('");
        var field = NumberField();
        Expect(TokenKind.Comma, "',' and a filter");
        var (filter, withinMs) = FilterAndWindowInside();
        return new SumSyntax(word.Position, field, filter, withinMs, TakeComparison(), TakeNumber());
    }

    private CountSyntax Seen(Token word)
    {
        var (filter, withinMs) = FilterAndWindow();
        return new CountSyntax(word.Position, filter, withinMs, Comparison.GreaterOrEqual, 1);
    }

    private ConditionSyntax SeenWithin(Token word)
    {
        var filter = EventFilter.Any;
        if (TryTake(TokenKind.Open))
        {
            filter = _filters.Filter();
            Expect(TokenKind.Close, "')'");
        }
        if (!Current.IsWord("within")) throw Unexpected($"'within' after {word.Value}");
        var withinMs = TakeWithin();
        if (word.Value == "first_seen") return new FirstSeenSyntax(word.Position, filter, withinMs);
        // Of some events, "last seen within" is "seen within".
        return filter == EventFilter.Any
            ? new LastSeenSyntax(word.Position, withinMs)
            : new CountSyntax(word.Position, filter, withinMs, Comparison.GreaterOrEqual, 1);
    }

    private EdgeSyntax Edge(Token word)
    {
        var edge = EdgeParts(word);
        var start = Current;
        if (TryTakeWord("in")) return edge with { Texts = _filters.TextList() };
        var comparison = TakeComparison();
        if (Current.Kind == TokenKind.Number) return edge with { Comparison = comparison, Micro = TakeNumber() };
        if (comparison is not (Comparison.Equal or Comparison.NotEqual)) throw Unexpected($"a number after {comparison.Symbol()}");
        if (comparison == Comparison.NotEqual)
        {
            throw new ExpressionException(start.Position, "write not first(...) = or not last(...) = instead of !=");
        }
        return edge with { Texts = [_filters.TextLiteral()] };
    }

    private EdgeSyntax EdgeParts(Token word)
    {
        Expect(TokenKind.Open, "'('");
        var field = _filters.Field();
        Expect(TokenKind.Comma, "',' and a filter");
        var (filter, withinMs) = FilterAndWindowInside();
        if (word.Value == "first" && withinMs > 0)
        {
            throw new ExpressionException(word.Position, "not supported yet: a window in first(...)");
        }
        return new EdgeSyntax(word.Position, word.Value == "last", field, filter, withinMs, Comparison.Equal, null, 0);
    }

    private TagReferenceSyntax Has(Token word)
    {
        Expect(TokenKind.Open, "'('");
        if (Current.Kind is not (TokenKind.Word or TokenKind.Text)) throw Unexpected("the name of a tag");
        var tag = Take().Value;
        Expect(TokenKind.Close, "')'");
        return new TagReferenceSyntax(word.Position, tag, null);
    }

    // tag = "x": the tag x holds. tag.x = "v": it holds with this value.
    private TagReferenceSyntax Tag(Token word, string? tag)
    {
        if (tag is not null && TryTakeWord("in")) return new TagReferenceSyntax(word.Position, tag, _filters.TextList());
        if (Current.Kind != TokenKind.Comparison || Current.Value != "=") throw Unexpected(tag is null ? "'='" : "'=' or 'in'");
        Take();
        var text = _filters.TextLiteral();
        return tag is null ? new TagReferenceSyntax(word.Position, text, null) : new TagReferenceSyntax(word.Position, tag, [text]);
    }

    private ValueSyntax Value()
    {
        var word = Current;
        if (word.Kind != TokenKind.Word) throw Unexpected("a value such as last(properties.sku, event = \"product_view\")");
        Take();
        switch (word.Value)
        {
            case "first" or "last":
                var edge = EdgeParts(word);
                return new EdgeValueSyntax(word.Position, edge.IsLast, edge.Field, edge.Filter, edge.WithinMs);
            case "count":
                var (filter, withinMs) = FilterAndWindow();
                return new NumberValueSyntax(word.Position, null, filter, withinMs);
            case "sum":
                Expect(TokenKind.Open, "'('");
                var field = NumberField();
                Expect(TokenKind.Comma, "',' and a filter");
                (filter, withinMs) = FilterAndWindowInside();
                return new NumberValueSyntax(word.Position, field, filter, withinMs);
        }
        var reason = LaterFunctions.Contains(word.Value)
            ? $"not supported yet: {word.Value}" : $"unknown value '{word.Value}'; there are first, last, count and sum";
        throw new ExpressionException(word.Position, reason);
    }

    private EventField NumberField()
    {
        var position = Current.Position;
        var field = _filters.Field();
        return field.CanBeNumber ? field : throw new ExpressionException(position, $"{field.Name} is no number");
    }

    private (EventFilter Filter, long WithinMs) FilterAndWindow()
    {
        Expect(TokenKind.Open, "'('");
        return FilterAndWindowInside();
    }

    private (EventFilter Filter, long WithinMs) FilterAndWindowInside()
    {
        var filter = _filters.Filter();
        var withinMs = 0L;
        while (TryTake(TokenKind.Comma))
        {
            if (Current.Kind == TokenKind.Word && Current.Value is "after" or "before" or "of" or "by")
            {
                throw new ExpressionException(Current.Position, $"not supported yet: {Current.Value}");
            }
            if (!Current.IsWord("within")) throw Unexpected("'within'");
            if (withinMs > 0) throw new ExpressionException(Current.Position, "'within' stands here twice");
            withinMs = TakeWithin();
        }
        Expect(TokenKind.Close, "')' or ', within: 7d'");
        return (filter, withinMs);
    }

    private long TakeWithin()
    {
        Take();
        TryTake(TokenKind.Colon);
        if (Current.Kind is not (TokenKind.Duration or TokenKind.Number)) throw Unexpected("a duration such as 7d");
        var token = Take();
        var reason = RuleDuration.TryParse(token.Value, out var milliseconds);
        return reason is null ? milliseconds : throw new ExpressionException(token.Position, reason);
    }

    internal Comparison TakeComparison()
    {
        if (Current.Kind != TokenKind.Comparison) throw Unexpected("=, !=, <, <=, > or >=");
        return Comparisons.Of(Take().Value);
    }

    internal Int128 TakeNumber()
    {
        if (Current.Kind != TokenKind.Number) throw Unexpected("a number");
        var token = Take();
        if (Micro.TryParseExact(token.Value, out var micro)) return micro;
        throw new ExpressionException(
            token.Position, $"{token.Value} is no number below 10^18 with at most six decimals");
    }
}
