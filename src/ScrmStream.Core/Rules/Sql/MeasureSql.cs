using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary><c>sum</c>, <c>min</c>, <c>max</c> and <c>average</c> of a number field, in micro; NULL of no number.</summary>
internal static class MeasureSql
{
    public static string Of(SumSyntax sum, SqlScope scope)
    {
        var total = scope.LooksBack ? Earlier(sum, scope) : Sum(sum.Field, sum.Filter, sum.Window, scope);
        return $"ifNull({total}, 0) {sum.Comparison.Symbol()} {SqlScope.Number(sum.Micro)}";
    }

    // The mean is compared without rounding it.
    public static string Of(MeasureSyntax measure, SqlScope scope)
    {
        var (field, filter, window) = (measure.Field, measure.Filter, measure.Window);
        if (measure.Kind != MeasureKind.Average)
            return SqlScope.Compare(Number(measure.Kind, field, filter, window, scope), measure.Comparison, measure.Micro);
        var (sum, numbers) = (Sum(field, filter, window, scope), Numbers(field, filter, window, scope));
        return $"ifNull({sum} {measure.Comparison.Symbol()} {SqlScope.Number(measure.Micro)} * toInt256({numbers}), 0)";
    }

    /// <summary>The measure as a number; a mean is rounded to the nearest micro, ties to even.</summary>
    public static string Number(MeasureKind kind, EventField field, EventFilter filter, Window window, SqlScope scope) => kind switch
    {
        MeasureKind.Sum => Sum(field, filter, window, scope),
        MeasureKind.Min => OrNull("min", field, filter, window, scope),
        MeasureKind.Max => OrNull("max", field, filter, window, scope),
        _ => ArithmeticSql.Nearest(Sum(field, filter, window, scope), Numbers(field, filter, window, scope), scope),
    };

    private static string Sum(EventField field, EventFilter filter, Window window, SqlScope scope) =>
        OrNull("sum", field, filter, window, scope);

    private static string OrNull(string kind, EventField field, EventFilter filter, Window window, SqlScope scope) => scope.Aggregate(
        kind, $"{kind}OrNullIf({FieldSql.Micro(field, scope)}, {FilterSql.Part(filter, scope)}{WindowSql.And(window, "ms", scope)})");

    private static string Numbers(EventField field, EventFilter filter, Window window, SqlScope scope) => scope.Aggregate("numbers",
        $"countIf({FilterSql.Part(filter, scope)} AND {FieldSql.Micro(field, scope)} IS NOT NULL{WindowSql.And(window, "ms", scope)})");

    private static string Earlier(SumSyntax sum, SqlScope scope)
    {
        var micro = FieldSql.Micro(sum.Field, scope);
        var values = scope.Aggregate("values", "arraySlice(arraySort(groupArrayIf((ms, assumeNotNull(" + micro + ")), "
            + $"{FilterSql.Part(sum.Filter, scope)} AND {micro} IS NOT NULL)), -{TimeList.KeepMax})");
        scope.Candidates.Add($"{values}.1");
        if (!sum.Window.IsEver) return $"arraySum(x -> if(x.1 <= t{WindowSql.And(sum.Window, "x.1", scope)}, x.2, 0), {values})";
        return $"ifNull({Sum(sum.Field, sum.Filter, sum.Window, scope)}, 0) - arraySum(x -> if(x.1 > t, x.2, 0), {values})";
    }
}
