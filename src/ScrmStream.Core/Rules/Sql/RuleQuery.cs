using System.Globalization;
using System.Text;

namespace ScrmStream.Rules.Sql;

/// <summary>
/// Writes what rules mean as ClickHouse SQL over <c>events_resolved</c>: a query that yields what the engine concludes, of the events up
/// to one time and as of it.
/// </summary>
public static class RuleQuery
{
    /// <summary>
    /// The members of a tag (customer, and the value where the tag has one) or the customers with a score (points, grade), in order of
    /// customer.
    /// </summary>
    /// <param name="asOfMs">Unix milliseconds; null: the greatest event time there is.</param>
    /// <param name="database">Where the tables are; null: in the database that the query runs in.</param>
    /// <returns>Null when the rules have no such tag or score.</returns>
    public static string? Of(RuleSet rules, string name, long? asOfMs, string? database = null)
    {
        var scope = new SqlScope(rules.Syntax);
        var query = new QueryText(scope, asOfMs, database);
        if (rules.Syntax.Tags.FirstOrDefault(t => t.Name == name) is { } tag)
        {
            var column = TagSql.Column(name, scope);
            query.About($"The customers with the tag {name}", tag.Text, rules);
            return query.Write(IsBoolean(tag) ? "customer" : $"customer, {column} AS value", $"WHERE {column} IS NOT NULL\n");
        }
        if (rules.Syntax.Scores.FirstOrDefault(s => s.Name == name) is not { } score) return null;
        var (points, grade) = (ScoreSql.Points(name, scope), ScoreSql.Grade(name, scope));
        query.About($"The score {name} of every customer", score.Text, rules);
        return query.Write($"customer, toDecimal64({points}, 6) / 1000000 AS points, {grade} AS grade", "");
    }

    /// <summary>
    /// Every customer of a part of all: customer, last event (Unix milliseconds), number of events, the values of all tags in the order of
    /// the file (NULL: it does not hold), then of each score its micro points and its grade.
    /// </summary>
    /// <param name="firstBucket">Of the customers' ids: 0 to 4,095.</param>
    /// <param name="buckets">So many from the first.</param>
    /// <param name="customers">Only these, 32 hex digits each; null: all.</param>
    public static string OfAll(RuleSet rules, long asOfMs, int firstBucket, int buckets, IReadOnlyList<string>? customers = null)
    {
        var scope = new SqlScope(rules.Syntax);
        var query = new QueryText(scope, asOfMs, null) { Buckets = (firstBucket, buckets), Customers = customers };
        var tags = rules.Syntax.Tags.Select(t => TagSql.Column(t.Name, scope)).ToList();
        var scores = rules.Syntax.Scores.SelectMany(s => (string[])[ScoreSql.Points(s.Name, scope), ScoreSql.Grade(s.Name, scope)]);
        var (last, events) = (scope.Aggregate("last", "max(ms)"), scope.Aggregate("events", "count()"));
        return query.Write(string.Join(", ", [$"customer, {last} AS last_event, {events} AS events", .. tags, .. scores]), "");
    }

    private static bool IsBoolean(TagSyntax tag) => tag.Kind == TagKind.Boolean;

    /// <summary>Puts the parts of a scope together.</summary>
    private sealed class QueryText(SqlScope scope, long? asOfMs, string? database)
    {
        private readonly StringBuilder _sql = new();

        public (int First, int Count)? Buckets { get; init; }
        public IReadOnlyList<string>? Customers { get; init; }

        public void About(string what, string rule, RuleSet rules) => _sql.Append(CultureInfo.InvariantCulture,
            $"-- {what}.\n-- {rule.ReplaceLineEndings(" ")}\n-- Rules {rules.Fingerprint}.\n");

        public string Write(string columns, string where)
        {
            var source = (database is null ? "" : SqlText.Name(database) + ".") + "events_resolved";
            var asOf = asOfMs is { } ms
                ? string.Create(CultureInfo.InvariantCulture, $"toInt64({ms})")
                : $"(SELECT toUnixTimestamp64Milli(max(event_time)) FROM {source})";
            _sql.Append(CultureInfo.InvariantCulture, $"WITH\n    {asOf} AS {SqlScope.AsOf}");
            foreach (var (name, sql) in scope.Functions) _sql.Append(CultureInfo.InvariantCulture, $",\n    {sql} AS {name}");
            _sql.Append(CultureInfo.InvariantCulture, $"\nSELECT {columns}\nFROM\n(\n    SELECT *");
            foreach (var (name, sql) in scope.Columns) _sql.Append(CultureInfo.InvariantCulture, $",\n        {sql} AS {name}");
            _sql.Append("\n    FROM\n    (\n        SELECT customer");
            foreach (var (sql, name) in scope.Aggregates) _sql.Append(CultureInfo.InvariantCulture, $",\n            {sql} AS {name}");
            _sql.Append(CultureInfo.InvariantCulture, $"""

                        FROM
                        (
                            SELECT *, toUnixTimestamp64Milli(event_time) AS ms
                            FROM {source}
                            WHERE event_time <= fromUnixTimestamp64Milli({SqlScope.AsOf}, 'UTC'){InBuckets()}{AmongCustomers()}
                        )
                        GROUP BY customer
                    )
                )
                {where}ORDER BY customer
                SETTINGS precise_float_parsing = 1

                """);
            return _sql.ToString();
        }

        // The bucket is the first 12 bits of the id.
        private string InBuckets() => Buckets is not { } buckets ? "" : string.Create(CultureInfo.InvariantCulture,
            $" AND bitShiftRight(customer_id, 116) BETWEEN {buckets.First} AND {buckets.First + buckets.Count - 1}");

        private string AmongCustomers() =>
            Customers is null ? "" : $" AND customer IN ({string.Join(", ", Customers.Select(SqlText.Quote))})";
    }
}
