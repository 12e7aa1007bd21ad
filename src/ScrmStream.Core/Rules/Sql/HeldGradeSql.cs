using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary>
/// A grade with hysteresis: it holds when there was a moment at which the points gave it, and none since at which they were so far below
/// that it was lost. Points are looked at on both sides of every turn; between two turns they only fall or only rise.
/// </summary>
internal static class HeldGradeSql
{
    public static string Of(ScoreSyntax score, string points, SqlScope scope)
    {
        var entries = score.Points.OrderBy(p => p.Filter.Text, StringComparer.Ordinal).ToList();
        var rows = entries.Select((p, i) => $"(ms, {i}, {WindowSql.Day("ms", scope)}, {FilterSql.Part(p.Filter, scope)})");
        var events = scope.Aggregate("earned",
            $"arraySlice(arraySort(groupArrayArray(arrayFilter(s -> s.4, [{string.Join(", ", rows)}]))), -{TimeList.KeepMax})");
        var turns = $"arrayFilter(m -> m <= {SqlScope.AsOf}, arrayFlatten(arrayMap(e -> arrayMap(age -> e.1 + age, "
            + $"{FadingSql.Turns(score)}), {events})))";
        var moments = scope.Column($"moments {score.Name}",
            () => $"arrayReverseSort(arrayDistinct(arrayConcat([{SqlScope.AsOf}], {turns}, arrayMap(m -> m - 1, {turns}))))");
        var past = scope.Column($"past {score.Name}", () =>
            $"arrayMap(m -> {ScoreSql.Limited(score, Value(score, entries, events, scope))}, "
            + $"arrayFilter(m -> m >= {events}[1].1, {moments}))");
        // The value as of now is the one that is read; before the first event there were no points.
        var values = $"arrayConcat([{points}], arrayPopFront({past}), [toInt64({ScoreSql.Limited(score, "0")})])";
        var grades = score.Grades.Select(g => $"ifNull(arrayFirstOrNull(v -> v >= {g.FromMicroPoints} "
            + $"OR v < {g.FromMicroPoints - score.HysteresisMicro}, {values}) >= {g.FromMicroPoints}, 0), {SqlText.Quote(g.Name)}");
        return $"multiIf({string.Join(", ", grades)}, NULL)";
    }

    // What the events up to a moment m are worth at m, caps as they were then.
    private static string Value(ScoreSyntax score, List<PointsSyntax> entries, string events, SqlScope scope)
    {
        List<string> parts = [];
        for (var i = 0; i < entries.Count; i++)
        {
            if (entries[i].Group.Length == 0) parts.Add(OfEntry(score, entries[i], EventsOf(events, i)));
        }
        foreach (var group in score.Groups)
        {
            var of = Enumerable.Range(0, entries.Count).Where(i => entries[i].Group == group.Name)
                .Select(i => PeriodsInGroup(score, entries[i], group, EventsOf(events, i)));
            parts.Add(CappedSql.Grouped($"arrayConcat({string.Join(", ", of)})", group.CapMicro));
        }
        return $"({string.Join(" + ", parts)})";
    }

    private static string EventsOf(string events, int entry) => $"arrayFilter(e -> e.2 = {entry} AND e.1 <= m, {events})";

    private static string ShareAt(ScoreSyntax score, string of) =>
        FadingSql.Share(score, of, "m") is { Length: > 0 } share ? share : "1";

    private static string OfEntry(ScoreSyntax score, PointsSyntax entry, string events)
    {
        if (entry.CapMicro == 0) return $"({entry.AddMicro}) * arraySum(e -> toFloat64({ShareAt(score, "e.1")}), {events})";
        var unit = entry.Unit;
        return $"arraySum({CappedSql.Now(entry.AddMicro, entry.CapMicro)}, {Periods(score, unit, events)})";
    }

    private static string PeriodsInGroup(ScoreSyntax score, PointsSyntax entry, GroupRule group, string events)
    {
        var unit = CappedSql.UnitOf(score, entry);
        return CappedSql.Regrouped(score, entry, group, Periods(score, unit, events));
    }

    // (period, events, worth) of the events of one entry.
    private static string Periods(ScoreSyntax score, CalendarUnit unit, string events)
    {
        var period = WindowSql.PeriodOfDay(unit, "e.3");
        return $"arrayMap(k -> (k, arrayCount(e -> {period} = k, {events}), "
            + $"arraySum(e -> if({period} = k, toFloat64({ShareAt(score, "e.1")}), 0), {events})), "
            + $"arrayDistinct(arrayMap(e -> {period}, {events})))";
    }
}
