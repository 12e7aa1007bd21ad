using ScrmStream.Profiles;
using ScrmStream.Rules.Actions;

namespace ScrmStream.Rules;

/// <summary>
/// Parses the expressions of a rule file. The grammar is that of <c>docs/rules.md</c>; what belongs to a later version is refused by
/// name, so that nobody believes it works. This class holds the tokens, and what all parts of the grammar share.
/// </summary>
internal sealed class ExpressionParser
{
    private const int DepthMax = 32;

    private static readonly string[] CalendarUnits = ["day", "week", "month"];

    private readonly List<Token> _tokens;
    private readonly FilterParser _filters;
    private readonly ConditionParser _conditions;
    private readonly ArithmeticParser _arithmetic;
    private int _at;
    private int _depth;

    private ExpressionParser(string text, CalendarZone zone)
    {
        _tokens = ExpressionLexer.Split(text);
        Zone = zone;
        _filters = new FilterParser(this);
        _conditions = new ConditionParser(this, _filters);
        _arithmetic = new ArithmeticParser(this, _conditions, _filters);
    }

    /// <summary>The zone of the rule file's days, weeks and months.</summary>
    public CalendarZone Zone { get; }

    /// <exception cref="ExpressionException">With the place and the reason.</exception>
    public static ConditionSyntax ParseCondition(string text, CalendarZone zone) => Whole(text, zone, p => p._conditions.Condition());

    /// <inheritdoc cref="ParseCondition"/>
    public static TriggerSyntax ParseTrigger(string text, CalendarZone zone) => Whole(text, zone, p => p._conditions.Trigger());

    /// <inheritdoc cref="ParseCondition"/>
    public static EventFilter ParseFilter(string text) => Whole(text, CalendarZone.Shanghai, p => p._filters.Filter());

    /// <inheritdoc cref="ParseCondition"/>
    public static ValueSyntax ParseValue(string text, CalendarZone zone) => Whole(text, zone, p => p._conditions.Value());

    /// <inheritdoc cref="ParseCondition"/>
    /// <summary>The value of an attribute: that of a field at the first or last event, or a calculation.</summary>
    public static ValueSyntax ParseAttribute(string text, CalendarZone zone) => Whole<ValueSyntax>(
        text, zone, p => p.Current.IsWord("first") || p.Current.IsWord("last") ? p._conditions.Value() : p._arithmetic.Arithmetic());

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

    /// <summary>Behind the word <c>within</c>: a duration, or <c>this day</c>, <c>this week</c>, <c>this month</c>.</summary>
    internal Window TakeWindow()
    {
        TryTake(TokenKind.Colon);
        if (!TryTakeWord("this")) return Window.Sliding(TakeDuration());
        var unit = Current;
        var i = unit.Kind == TokenKind.Word ? Array.IndexOf(CalendarUnits, unit.Value) : -1;
        if (i < 0) throw Unexpected("day, week or month after 'this'");
        Take();
        return new CalendarWindow((CalendarUnit)i, Zone);
    }

    internal long TakeDuration()
    {
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

    /// <summary>A whole number in a range.</summary>
    internal long TakeWhole(string what, long from, long to)
    {
        var token = Current;
        var micro = TakeNumber();
        if (micro % Micro.One != 0 || micro < from * Micro.One)
            throw new ExpressionException(token.Position, $"{what} compares with a whole number from {from}");
        if (micro > to * (Int128)Micro.One) throw new ExpressionException(token.Position, $"{what} compares with at most {to}");
        return (long)(micro / Micro.One);
    }

    private static T Whole<T>(string text, CalendarZone zone, Func<ExpressionParser, T> parse)
    {
        var parser = new ExpressionParser(text, zone);
        var result = parse(parser);
        if (parser.Current.Kind != TokenKind.End) throw parser.Unexpected("the end, 'and' or 'or'");
        return result;
    }
}
