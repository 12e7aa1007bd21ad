using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary><c>distinct</c>, <c>days</c> and <c>days_in_row</c>, as plain numbers.</summary>
internal static class VarietySql
{
    public static string Number(MeasureKind kind, EventField? field, EventFilter filter, Window window, SqlScope scope)
    {
        var passes = FilterSql.Part(filter, scope) + WindowSql.And(window, "ms", scope);
        if (kind == MeasureKind.Distinct)
            return scope.Aggregate("distinct", $"uniqExactIf({FieldSql.Text(field!)}, {passes} AND {FieldSql.Has(field!)})");
        if (kind == MeasureKind.Days) return scope.Aggregate("days", $"uniqExactIf({WindowSql.Day("ms", scope)}, {passes})");
        var days = scope.Aggregate(
            "days", $"arrayReverseSort(groupUniqArrayIf({WindowSql.Day("ms", scope)}, {FilterSql.Of(filter, scope)}))");
        // The last day stands until the next one is over.
        var stands = $"length({days}) > 0 AND {days}[1] + 1 >= {WindowSql.Day(scope.At, scope)}";
        return $"if({stands}, arrayCount((d, i) -> d = {days}[1] - i + 1, {days}, arrayEnumerate({days})), 0)";
    }
}
