using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary><c>count</c> and <c>seen</c>.</summary>
internal static class CountSql
{
    public static string Of(CountSyntax count, SqlScope scope)
    {
        var number = scope.LooksBack ? Earlier(count, scope) : Events(count.Filter, count.Window, scope);
        return $"{number} {count.Comparison.Symbol()} {SqlScope.Number(count.Number)}";
    }

    /// <summary>The events that pass a filter and lie in a window.</summary>
    public static string Events(EventFilter filter, Window window, SqlScope scope) => scope.Aggregate(
        "count", $"countIf({FilterSql.Part(filter, scope)}{WindowSql.And(window, "ms", scope)})");

    /// <summary>The times of the latest 1,024 of them, ascending: as many as the engine keeps.</summary>
    public static string Times(EventFilter filter, SqlScope scope) => scope.Aggregate(
        "times", $"arraySlice(arraySort(groupArrayIf(ms, {FilterSql.Of(filter, scope)})), -{TimeList.KeepMax})");

    private static string Earlier(CountSyntax count, SqlScope scope)
    {
        var times = Times(count.Filter, scope);
        scope.Candidates.Add(times);
        if (!count.Window.IsEver) return $"arrayCount(x -> x <= t{WindowSql.And(count.Window, "x", scope)}, {times})";
        return $"toInt64({Events(count.Filter, count.Window, scope)}) - arrayCount(x -> x > t, {times})";
    }
}
