using System.Globalization;
using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary>Points under caps: by calendar period, how many events there were and what they are worth now.</summary>
internal static class CappedSql
{
    /// <summary>An array of (period, events, worth) of one entry.</summary>
    public static string Periods(ScoreSyntax score, PointsSyntax entry, string worth, SqlScope scope)
    {
        var period = WindowSql.Period(UnitOf(score, entry), "ms", scope);
        var sums = scope.Aggregate("periods", $"sumMapIf([{period}], [toUInt64(1)], [toFloat64({(worth.Length == 0 ? "1" : worth)})], "
            + $"{FilterSql.Of(entry.Filter, scope)})");
        return $"arrayZip({sums}.1, {sums}.2, {sums}.3)";
    }

    /// <summary>A function of such a period: what it gives now, scaled by min(1, cap / |raw sum|).</summary>
    public static string Now(long addMicro, long capMicro) => $"p -> p.3 * ({addMicro}){Factor(addMicro, capMicro)}";

    /// <summary>All entries of a group under their own caps, by period of the group, and these under the group's.</summary>
    public static string OfGroup(ScoreSyntax score, GroupRule group, string worth, SqlScope scope)
    {
        var entries = score.Points.Where(p => p.Group == group.Name).ToList();
        if (entries.Count == 0) return "0";
        var parts = entries.Select(entry => Regrouped(score, entry, group, Periods(score, entry, worth, scope)));
        return Grouped($"arrayConcat({string.Join(", ", parts)})", group.CapMicro);
    }

    /// <summary>Of an entry's array of (period, events, worth) one of (period of the group, raw, now), under the entry's own cap.</summary>
    public static string Regrouped(ScoreSyntax score, PointsSyntax entry, GroupRule group, string periods)
    {
        var (add, factor) = (entry.AddMicro, Factor(entry.AddMicro, entry.CapMicro));
        return $"arrayMap(p -> ({Regroup(score, entry, group)}, toFloat64(p.2) * ({add}){factor}, p.3 * ({add}){factor}), {periods})";
    }

    /// <summary>The sum of an array of (period, raw, now), each period scaled by a cap.</summary>
    public static string Grouped(string parts, long capMicro)
    {
        var factor = string.Create(CultureInfo.InvariantCulture, $"if(abs(g.2) > {capMicro}, {capMicro} / abs(g.2), 1)");
        return $"arraySum(g -> g.3 * {factor}, arrayMap(k -> (k, arraySum(e -> if(e.1 = k, e.2, 0), {parts}), "
            + $"arraySum(e -> if(e.1 = k, e.3, 0), {parts})), arrayDistinct(({parts}).1)))";
    }

    public static CalendarUnit UnitOf(ScoreSyntax score, PointsSyntax entry) => entry.CapMicro > 0 || entry.Group.Length == 0
        ? entry.Unit : score.Groups.First(g => g.Name == entry.Group).Unit;

    private static string Regroup(ScoreSyntax score, PointsSyntax entry, GroupRule group) =>
        UnitOf(score, entry) == group.Unit ? "p.1" : WindowSql.PeriodOfDay(group.Unit, "p.1");

    private static string Factor(long addMicro, long capMicro) => capMicro == 0 ? "" : string.Create(CultureInfo.InvariantCulture,
        $" * if(abs(toFloat64(p.2) * ({addMicro})) > {capMicro}, {capMicro} / abs(toFloat64(p.2) * ({addMicro})), 1)");
}
