using System.Globalization;
using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary>
/// A sequence: of each step, from the last to the first, the events that are followed as they should be. It holds when one of the first
/// step is left inside the window.
/// </summary>
internal static class SequenceSql
{
    public static string Of(SequenceSyntax sequence, SqlScope scope)
    {
        var steps = scope.Aggregate("steps", Steps(sequence, scope));
        var last = sequence.Steps.Count - 1;
        var good = OfStep(steps, last);
        for (var step = last - 1; step >= 0; step--)
        {
            var isAbsent = sequence.AbsentMs > 0 && step == last - 1;
            good = isAbsent
                ? $"arrayFilter(a -> a.1 + {sequence.AbsentMs} <= {scope.At} AND NOT {Follows(good, sequence.AbsentMs)}, "
                    + $"{OfStep(steps, step)})"
                : $"arrayFilter(a -> {Follows(good, sequence.GapsMs[step + 1])}, {OfStep(steps, step)})";
        }
        return $"arrayExists(a -> {WindowSql.Holds(sequence.Window, "a.1", scope)}, {good})";
    }

    private static string OfStep(string steps, int step) =>
        string.Create(CultureInfo.InvariantCulture, $"arrayFilter(s -> s.2 = {step}, {steps})");

    private static string Follows(string later, long withinMs) => string.Create(
        CultureInfo.InvariantCulture, $"arrayExists(b -> b.1 > a.1 AND b.1 <= a.1 + {withinMs} AND b.3 = a.3, {later})");

    // An event takes part once for each step that it passes; as many are looked at as the engine keeps.
    private static string Steps(SequenceSyntax sequence, SqlScope scope)
    {
        var same = sequence.Same is null ? "''" : FieldSql.Text(sequence.Same);
        var has = sequence.Same is null ? "" : $" AND {FieldSql.Has(sequence.Same)}";
        var rows = sequence.Steps.Select((filter, i) => string.Create(
            CultureInfo.InvariantCulture, $"(ms, {i}, {same}, {FilterSql.Part(filter, scope)}{has})"));
        return $"arraySlice(arraySort(groupUniqArrayArray(arrayFilter(s -> s.4, [{string.Join(", ", rows)}]))), -{TimeList.KeepMax})";
    }
}
