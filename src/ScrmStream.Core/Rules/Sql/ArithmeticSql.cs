using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary>What is calculated: whole numbers of 10^-6 in 256 bits, rounded where the engine rounds; NULL where it has none.</summary>
internal static class ArithmeticSql
{
    // The greatest product that fits in 128 bits, and the greatest number that the engine passes on.
    private static readonly string Greatest = SqlScope.Number(Int128.MaxValue);
    private static readonly string Largest = SqlScope.Number((Int128)1e25);

    public static string Of(NumberNode node, SqlScope scope) => node switch
    {
        ConstantNode constant => $"toNullable(toInt256({SqlScope.Number(constant.Micro)}))",
        EventsNode events => Number(events.Value, scope),
        DayNode { Filter: null } => $"toNullable(toInt256({WindowSql.Day(scope.At, scope)}) * 1000000)",
        DayNode day => Day(day.IsFirst ? SeenSql.First(day.Filter, scope) : SeenSql.Last(day.Filter, scope), scope),
        AttributeNode attribute => EdgeSql.Number(attribute.Attribute, scope),
        DefaultNode otherwise => $"ifNull({Of(otherwise.Inner, scope)}, toInt256({SqlScope.Number(otherwise.Micro)}))",
        OperationNode operation => Operation(operation, scope),
        _ => throw new ArgumentException($"No SQL for {node.Text}.", nameof(node)),
    };

    /// <summary>A number as the value of a tag; NULL while no event counts.</summary>
    public static string Number(NumberValueSyntax value, SqlScope scope)
    {
        var (kind, filter, window) = (value.Kind, value.Filter, value.Window);
        if (kind is MeasureKind.Sum or MeasureKind.Min or MeasureKind.Max or MeasureKind.Average)
            return MeasureSql.Number(kind, value.Field!, filter, window, scope);
        var number = kind == MeasureKind.Count
            ? CountSql.Events(filter, window, scope) : VarietySql.Number(kind, value.Field, filter, window, scope);
        // The engine keeps that many of a window's entries, and of days.
        var isKept = !window.IsEver || kind is MeasureKind.Days;
        return $"toInt256(nullIf({(isKept ? $"least({number}, {TimeList.KeepMax})" : number)}, 0)) * 1000000";
    }

    /// <summary>A quotient's nearest whole number, ties to even; NULL for a divisor of 0.</summary>
    public static string Nearest(string dividend, string divisor, SqlScope scope)
    {
        // A divisor is given by its magnitude, so that nothing is ever divided by 0.
        scope.Function("nearest_of", """
            ((a, b, quotient) -> quotient + if(2 * (a - quotient * b) > b OR (2 * (a - quotient * b) = b AND quotient % 2 != 0), 1, 0))
            """);
        scope.Function("nearest_up", "((a, b) -> nearest_of(a, b, intDiv(a, b)))");
        var nearest = scope.Function("nearest", """
            ((a, b) -> if(ifNull(b, 0) = 0, NULL, if((a < 0) = (b < 0), 1, -1)
                    * nearest_up(abs(toInt256(a)), if(ifNull(b, 0) = 0, toInt256(1), abs(toInt256(ifNull(b, 1)))))))
            """);
        return $"{nearest}({dividend}, {divisor})";
    }

    /// <summary>The text that the engine writes: the shortest.</summary>
    public static string TextOf(string micro, SqlScope scope) =>
        $"{scope.Function("text_of", "(micro -> toString(toDecimal256(micro, 6) / 1000000))")}({micro})";

    private static string Day(string timeMs, SqlScope scope) =>
        $"if({timeMs} IS NULL, NULL, toInt256({WindowSql.Day($"ifNull({timeMs}, 0)", scope)}) * 1000000)";

    private static string Operation(OperationNode operation, SqlScope scope)
    {
        var (left, right) = (Of(operation.Left, scope), Of(operation.Right, scope));
        return operation.Operator switch
        {
            '*' => InRange($"if({Exceeds($"{left} * {right}")}, NULL, {Nearest($"{left} * {right}", "toInt256(1000000)", scope)})", scope),
            '/' => InRange($"if({Exceeds($"{left} * 1000000")}, NULL, {Nearest($"{left} * 1000000", right, scope)})", scope),
            var plain => InRange($"{left} {plain} {right}", scope),
        };
    }

    private static string Exceeds(string product) => $"ifNull(abs({product}) > {Greatest}, 0)";

    private static string InRange(string number, SqlScope scope) =>
        $"{scope.Function("in_range", $"(micro -> if(abs(micro) <= {Largest}, micro, NULL))")}({number})";
}
