using System.Globalization;
using ScrmStream.Rules.Sql;

namespace ScrmStream.ClickHouse.Queries;

/// <summary>Queries of the events behind evidence: those that showed an edge, those that name an identifier without linking it.</summary>
public static class EvidenceSql
{
    /// <summary>
    /// Events at one of the times and one of the offsets: event, topic id, topic, partition, offset, index. The caller takes those whose
    /// coordinates it looks for. The time narrows the search, for the table is in order of event and time.
    /// </summary>
    public static string EventsAt(IEnumerable<long> timesMs, IEnumerable<long> offsets) =>
        $"""
        SELECT event, toString(topic_id), topic, partition, offset, `index` FROM events
        WHERE event_time IN ({List(timesMs, "fromUnixTimestamp64Milli({0}, 'UTC')")}) AND offset IN ({List(offsets, "{0}")})
        """;

    /// <summary>How many events name an identifier as unverified.</summary>
    /// <param name="with">Only those that name this one too, verified or not; null: any.</param>
    public static string CountUnverified(string text, string? with)
    {
        var (named, other) = (SqlText.Quote(text), SqlText.Quote(with ?? ""));
        var beside = with is null ? "" : $" AND (has(identifiers, {other}) OR has(unverified, {other}))";
        return $"SELECT count() FROM events WHERE has(unverified, {named}){beside}";
    }

    private static string List(IEnumerable<long> numbers, string form) =>
        string.Join(", ", numbers.Distinct().Select(n => string.Format(CultureInfo.InvariantCulture, form, n)));
}
