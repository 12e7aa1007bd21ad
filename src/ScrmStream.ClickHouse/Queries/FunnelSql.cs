using System.Globalization;
using System.Text;
using ScrmStream.Rules.Sql;

namespace ScrmStream.ClickHouse.Queries;

/// <summary>Writes the SQL of a funnel: readable, and complete enough to paste.</summary>
internal sealed class FunnelSql
{
    // What a funnel may be split by: columns with few values. Any property may be, too.
    private static readonly HashSet<string> Fields =
    [
        "topic", "channel", "page", "referrer", "campaign_source", "campaign_medium", "campaign_name", "campaign_content", "campaign_term",
        "share_from", "currency", "session_id",
    ];

    private readonly IReadOnlyList<string> _steps;
    private readonly string[] _names;
    private readonly long _windowMs;
    private readonly string? _field;
    private readonly string _source;
    private readonly string _firstStep;
    private readonly string _where;

    private FunnelSql(FunnelOptions funnel)
    {
        _steps = funnel.Steps;
        _names = [.. _steps.Distinct(StringComparer.Ordinal)];
        _windowMs = (long)funnel.Window.TotalMilliseconds;
        _field = funnel.By is null ? null : FieldOf(funnel.By);
        _source = funnel.KnownAt is { } knownAt ? $"events_resolved_at(known_at = '{Utc(knownAt)}')" : "events_resolved";
        _firstStep = $"event = {SqlText.Quote(_steps[0])}{Bound(">=", funnel.From)}{Bound("<", funnel.To)}";
        var last = funnel.To is { } to ? Bound("<=", to + funnel.Window) : "";
        _where = $"event IN ({string.Join(", ", _names.Select(SqlText.Quote))}){Bound(">=", funnel.From)}{last}";
    }

    /// <exception cref="FormatException">The funnel is out of its limits, or the field is unknown.</exception>
    public static string Write(FunnelOptions funnel)
    {
        funnel.Validate();
        var sql = new FunnelSql(funnel);
        var levels = sql._names.Length == sql._steps.Count ? sql.LevelsOfDistinctSteps() : sql.LevelsOfRepeatedSteps();
        return sql.Counted(levels);
    }

    private static string FieldOf(string by)
    {
        if (by.StartsWith("properties.", StringComparison.Ordinal)) return $"properties[{SqlText.Quote(by["properties.".Length..])}]";
        if (Fields.Contains(by)) return SqlText.Name(by);
        throw new FormatException($"--by {by}: a funnel is split by {string.Join(", ", Fields.Order())} or properties.NAME.");
    }

    private static string Bound(string comparison, DateTimeOffset? time) => time is not { } t ? "" : string.Create(
        CultureInfo.InvariantCulture, $" AND event_time {comparison} fromUnixTimestamp64Milli({t.ToUnixTimeMilliseconds()}, 'UTC')");

    private static string Utc(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);

    private string Keys => _field is null ? "customer_id" : "customer_id, value";

    /// <summary>The events that matter: for a split funnel each of them once per value that the customer shows at the first step.</summary>
    private string Events => _field is null
        ? $"    SELECT customer_id, event, event_time\n    FROM {_source}\n    WHERE {_where}\n"
        : $"""
                SELECT customer_id, event, event_time, field, arrayJoin(starts.values) AS value
                FROM (SELECT customer_id, event, event_time, toString({_field}) AS field FROM {_source} WHERE {_where}) AS steps
                INNER JOIN
                (
                    SELECT customer_id, groupUniqArray(toString({_field})) AS values
                    FROM {_source}
                    WHERE {_firstStep}
                    GROUP BY customer_id
                ) AS starts USING (customer_id)

            """;

    private string Start => _field is null ? _firstStep : $"{_firstStep} AND field = value";

    /// <summary>With steps of different names windowFunnel is the contract: a row can only fill the step of its name.</summary>
    private string LevelsOfDistinctSteps()
    {
        var conditions = string.Concat(_steps.Skip(1).Select(s => $",\n        event = {SqlText.Quote(s)}"));
        return $"""
            SELECT {Keys}, windowFunnel({_windowMs})(
                    toUInt64(toUnixTimestamp64Milli(event_time)),
                    {Start}{conditions}) AS level
            FROM
            (
            {Events})
            GROUP BY {Keys}
            """;
    }

    /// <summary>
    /// A name that comes again could fill two steps by one event in windowFunnel. So events are counted by time and name, and a fold over
    /// the times keeps for each level the latest start of a chain of that length; n events of a name fill at most n steps at one time.
    /// </summary>
    private string LevelsOfRepeatedSteps()
    {
        var counts = string.Concat(_names.Select((n, i) => $", countIf(event = {SqlText.Quote(n)}) AS n{i + 1}"));
        var columns = string.Concat(_names.Select((_, i) => $", n{i + 1}"));
        var levels = string.Join(",\n            ", Enumerable.Range(1, _steps.Count).Select(LevelAt));
        return $"""
            SELECT {Keys}, arrayLastIndex(start -> start > 0, arrayFold((s, g) -> [
                        {levels}],
                    arraySort(groupArray((t, starts{columns}))),
                    arrayWithConstant({_steps.Count}, toUInt64(0)))) AS level
            FROM
            (
                SELECT {Keys}, toUInt64(toUnixTimestamp64Milli(event_time)) AS t, countIf({Start}) AS starts{counts}
                FROM
                (
            {Events}    )
                GROUP BY {Keys}, t
            )
            GROUP BY {Keys}
            """;
    }

    /// <summary>
    /// The latest start of a chain of the first <paramref name="level"/> steps: as before, or made longer by this time's events.
    /// </summary>
    private string LevelAt(int level)
    {
        var options = new StringBuilder($"greatest(s[{level}], if(g.2 > 0{Enough(0, level)}, g.1, 0)");
        for (var from = 1; from < level; from++)
            options.Append(CultureInfo.InvariantCulture,
                $", if(s[{from}] > 0 AND g.1 <= s[{from}] + {_windowMs}{Enough(from, level)}, s[{from}], 0)");
        return options.Append(')').ToString();
    }

    /// <summary>The time's events fill the steps behind <paramref name="from"/> up to <paramref name="to"/>.</summary>
    private string Enough(int from, int to)
    {
        var condition = new StringBuilder();
        for (var i = 0; i < _names.Length; i++)
        {
            var needed = 0;
            for (var step = from; step < to; step++)
                if (_steps[step] == _names[i]) needed++;
            if (needed > 0) condition.Append(CultureInfo.InvariantCulture, $" AND g.{i + 3} >= {needed}");
        }
        return condition.ToString();
    }

    private string Counted(string levels)
    {
        var counts = string.Join(", ", Enumerable.Range(1, _steps.Count).Select(n => $"countIf(level >= {n})"));
        var steps = string.Join(", ", _steps.Select(SqlText.Quote));
        var value = _field is null ? "" : "value, ";
        var positions = string.Join(", ", Enumerable.Range(1, _steps.Count));
        return $"""
            SELECT {value}step, customers
            FROM
            (
            SELECT {value}[{counts}] AS counts
            FROM
            (
            {levels}
            )
            {(_field is null ? "" : "GROUP BY value\n")})
            ARRAY JOIN counts AS customers, [{steps}] AS step, [{positions}] AS position
            ORDER BY {(_field is null ? "" : "counts[1] DESC, value, ")}position
            """;
    }
}
