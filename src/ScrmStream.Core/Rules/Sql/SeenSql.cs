using System.Globalization;

namespace ScrmStream.Rules.Sql;

/// <summary><c>first_seen</c>, <c>last_seen</c> and <c>time_since</c>.</summary>
internal static class SeenSql
{
    public static string Of(FirstSeenSyntax first, SqlScope scope)
    {
        var time = First(first.Filter, scope);
        return $"ifNull({time} <= {scope.At} AND {WindowSql.Holds(first.Window, time, scope)}, 0)";
    }

    public static string Of(LastSeenSyntax last, SqlScope scope)
    {
        var time = Last(EventFilter.Any, scope);
        return $"ifNull({WindowSql.Holds(last.Window, $"least({time}, {scope.At})", scope)}, 0)";
    }

    public static string Of(TimeSinceSyntax since, SqlScope scope)
    {
        var time = since.IsFirst ? First(since.Filter, scope) : Last(since.Filter, scope);
        return SqlScope.Compare($"{scope.At} - {time}", since.Comparison, since.DurationMs);
    }

    // Both sides times the number of gaps, so that nothing is divided.
    public static string Of(OwnIntervalSyntax interval, SqlScope scope)
    {
        var (first, last) = (First(interval.Filter, scope), Last(interval.Filter, scope));
        var count = CountSql.Events(interval.Filter, Window.Ever, scope);
        var since = $"toInt256({scope.At} - {last}) * 1000000 * ({count} - 1)";
        return string.Create(CultureInfo.InvariantCulture,
            $"({count} >= 2 AND ifNull({since} {interval.Comparison.Symbol()} toInt256({last} - {first}) * {interval.FactorMicro}, 0))");
    }

    /// <summary>The time of the first event that passes a filter; NULL where there is none.</summary>
    public static string First(EventFilter filter, SqlScope scope) =>
        scope.Aggregate("first", $"minOrNullIf(ms, {FilterSql.Of(filter, scope)})");

    /// <inheritdoc cref="First"/>
    public static string Last(EventFilter filter, SqlScope scope) =>
        scope.Aggregate("last", $"maxOrNullIf(ms, {FilterSql.Of(filter, scope)})");
}
