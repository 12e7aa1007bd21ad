namespace ScrmStream.Rules;

/// <summary>The part of the grammar that calculates: + and -, then * and /, then numbers, calls and parentheses.</summary>
internal sealed class ArithmeticParser(ExpressionParser tokens, ConditionParser conditions, FilterParser filters)
{
    private const int DepthMax = 32;
    private const string AttributePrefix = "attribute.";

    private int _depth;

    public ArithmeticSyntax Arithmetic() => new(tokens.Current.Position, Sum());

    private NumberNode Sum()
    {
        if (++_depth > DepthMax) throw new ExpressionException(tokens.Current.Position, $"nested deeper than {DepthMax}");
        var sum = Product();
        while (true)
        {
            var at = tokens.Current;
            // Behind a number, "-1" subtracts 1.
            if (at.Kind == TokenKind.Number && at.Value[0] == '-') sum = new OperationNode(at.Position, '+', sum, Product());
            else if (tokens.TryTake(TokenKind.Plus)) sum = new OperationNode(at.Position, '+', sum, Product());
            else if (tokens.TryTake(TokenKind.Minus)) sum = new OperationNode(at.Position, '-', sum, Product());
            else break;
        }
        _depth--;
        return sum;
    }

    private NumberNode Product()
    {
        var product = OrElse();
        while (true)
        {
            var at = tokens.Current;
            if (tokens.TryTake(TokenKind.Times)) product = new OperationNode(at.Position, '*', product, OrElse());
            else if (tokens.TryTake(TokenKind.Divide)) product = new OperationNode(at.Position, '/', product, OrElse());
            else return product;
        }
    }

    private NumberNode OrElse()
    {
        var number = Number();
        var at = tokens.Current.Position;
        return tokens.TryTakeWord("or") ? new DefaultNode(at, number, tokens.TakeNumber()) : number;
    }

    private NumberNode Number()
    {
        var token = tokens.Current;
        if (token.Kind == TokenKind.Number) return new ConstantNode(token.Position, tokens.TakeNumber());
        if (tokens.TryTake(TokenKind.Open))
        {
            var inner = Sum();
            tokens.Expect(TokenKind.Close, "')'");
            return inner;
        }
        if (token.Kind != TokenKind.Word) throw tokens.Unexpected("a number such as count(event = \"order_paid\")");
        if (token.Value is "today" or "first_day" or "last_day") return Day();
        if (token.Value.StartsWith(AttributePrefix, StringComparison.Ordinal))
            return new AttributeNode(token.Position, tokens.Take().Value[AttributePrefix.Length..]);
        if (conditions.Value() is NumberValueSyntax value) return new EventsNode(value);
        throw new ExpressionException(
            token.Position, $"{token.Value}(...) is a text and takes no part in a calculation; declare it as an attribute above");
    }

    private DayNode Day()
    {
        var word = tokens.Take();
        if (word.Value == "today") return new DayNode(word.Position, false, null);
        tokens.Expect(TokenKind.Open, "'('");
        var filter = filters.Filter();
        tokens.Expect(TokenKind.Close, "')'");
        return new DayNode(word.Position, word.Value == "first_day", filter);
    }
}
