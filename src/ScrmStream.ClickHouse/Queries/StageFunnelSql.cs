using System.Globalization;
using ScrmStream.Rules.Sql;

namespace ScrmStream.ClickHouse.Queries;

/// <summary>Writes the SQL of a funnel of stages: readable, and complete enough to paste.</summary>
internal static class StageFunnelSql
{
    private const int GroupsMax = 1_000;

    /// <exception cref="FormatException">The funnel is out of its limits.</exception>
    public static string Write(StageFunnelOptions funnel)
    {
        funnel.Validate();
        var n = funnel.Stages.Count;
        var reached = string.Concat(funnel.Stages.Select((stage, i) => $",\n        {Reached(stage, i)} AS c{i + 1}"));
        var came = string.Concat(funnel.Stages.Select((stage, i) =>
            $",\n        has(stages, {SqlText.Quote(stage)}) AND c{i + 1} = 0 AS d{i + 1}"));
        var stays = string.Concat(funnel.Stages.Select((stage, i) => $",\n        {Stay(stage)} AS s{i + 1}"));
        var columns = string.Join(",\n    ", Enumerable.Range(1, n).Select(i =>
            $"countIf(c{i} > 0), countIf(d{i}), "
            + (i == 1 ? "NULL" : $"if(countIf(c{i} > 0) = 0, NULL, quantileExactIf(0.5)(c{i} - c{i - 1}, c{i} > 0))")
            + $", if(countIf(s{i} > 0) = 0, NULL, quantileExactIf(0.5)(s{i}, s{i} > 0))"));
        var isSplit = funnel.By is not null;
        var value = isSplit ? $"{Value(funnel.By!)} AS value, " : "";
        var order = isSplit ? $"\nGROUP BY value\nORDER BY countIf(c1 > 0) DESC, value\nLIMIT {GroupsMax}" : "";
        return $"""
            -- Of each lead the times at which it first reached each step behind the one before, in ms; 0: it did not.
            SELECT {(isSplit ? "value,\n    " : "")}{columns}
            FROM
            (
                SELECT {value}times, stages{reached}{came}{stays}
                FROM
                (
                    SELECT
                        arrayJoin(arrayEnumerate(lead_ids)) AS n,
                        created[n] AS made, channels[n] AS channel, sources[n] AS source, campaigns[n] AS campaign, inviters[n] AS inviter,
                        arrayMap(t -> toUnixTimestamp64Milli(t),
                            arrayFilter((t, l, k) -> l = n AND k != 'reminder', step_times, step_leads, step_kinds)) AS times,
                        arrayFilter((s, l, k) -> l = n AND k != 'reminder', step_stages, step_leads, step_kinds) AS stages
                    FROM leads_rows FINAL
                    WHERE pipeline = {SqlText.Quote(funnel.Pipeline)}
                )
                WHERE 1{Bound(">=", funnel.From)}{Bound("<", funnel.To)}
            ){order}
            """;
    }

    private static string Reached(string stage, int i)
    {
        var first = $"arrayFirst((t, s) -> s = {SqlText.Quote(stage)}{(i == 0 ? "" : $" AND t >= c{i}")}, times, stages)";
        return i == 0 ? first : $"if(c{i} = 0, 0, {first})";
    }

    private static string Stay(string stage) =>
        $"arraySum((s, since, until) -> if(s = {SqlText.Quote(stage)}, until - since, 0), "
        + "arrayPopBack(stages), arrayPopBack(times), arrayPopFront(times))";

    private static string Value(string by) => by switch
    {
        "day" => "toString(toDate(made, 'Asia/Shanghai'))",
        "week" => "toString(toMonday(toDate(made, 'Asia/Shanghai')))",
        "month" => "formatDateTime(made, '%Y-%m', 'Asia/Shanghai')",
        _ => by,
    };

    private static string Bound(string comparison, DateTimeOffset? time) => time is { } t
        ? $" AND made {comparison} '{t.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture)}'"
        : "";
}
