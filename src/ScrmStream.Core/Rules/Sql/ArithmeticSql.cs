using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary>What is calculated: whole numbers of 10^-6 in 256 bits, rounded where the engine rounds; NULL where it has none.</summary>
internal static class ArithmeticSql
{
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
        // A value is named by mapping an array of one, so that it is written and worked out once.
        var nearest = scope.Function("nearest", """
            ((dividend, divisor) -> arrayMap((a, b) -> if(ifNull(b, 0) = 0, NULL, if((a < 0) = (b < 0), 1, -1)
                    * arrayMap(q -> q + (2 * (abs(a) - q * abs(b)) > abs(b) OR (2 * (abs(a) - q * abs(b)) = abs(b) AND q % 2 != 0)),
                        [intDiv(abs(a), if(ifNull(b, 0) = 0, toInt256(1), abs(b)))])[1]),
                    [toInt256(dividend)], [toInt256(divisor)])[1])
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
            '*' => InRange(Nearest(InWidth($"{left} * {right}", scope), "1000000", scope), scope),
            '/' => InRange(Nearest(InWidth($"{left} * 1000000", scope), right, scope), scope),
            var plain => InRange($"{left} {plain} {right}", scope),
        };
    }

    // What the engine multiplies has to fit in 128 bits.
    private static string InWidth(string product, SqlScope scope) => Within("in_width", Int128.MaxValue, product, scope);

    private static string InRange(string number, SqlScope scope) => Within("in_range", (Int128)1e25, number, scope);

    private static string Within(string name, Int128 greatest, string number, SqlScope scope) => $"{scope.Function(
        name, $"(number -> arrayMap(n -> if(abs(n) <= {SqlScope.Number(greatest)}, n, NULL), [number])[1])")}({number})";
}
