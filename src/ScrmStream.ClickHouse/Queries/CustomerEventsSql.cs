using System.Globalization;
using ScrmStream.Rules.Sql;

namespace ScrmStream.ClickHouse.Queries;

/// <summary>The queries of customers' events, with all that rules look at.</summary>
public static class CustomerEventsSql
{
    /// <summary>What happened, without who it was.</summary>
    internal const string WhatColumns = """
        event_id, event, toUnixTimestamp64Milli(event_time) AS ms, channel, session_id, page, referrer,
            campaign_source, campaign_medium, campaign_name, campaign_content, campaign_term, share_from, share_depth, amount_fen, currency,
            mapKeys(properties), mapValues(properties), property_types
        """;

    /// <summary>
    /// The accepted events up to a time of some customers as known now, one customer behind the other, each in order of time: event_id,
    /// event, milliseconds, channel, session_id, page, referrer, campaign source, medium, name, content, term, share_from, share_depth,
    /// amount_fen, currency, names, values and types of properties, anchor, customer.
    /// </summary>
    /// <param name="customers">32 hex digits each.</param>
    public static string UpTo(IReadOnlyList<string> customers, long asOfMs, int limit) =>
        Write($"customer IN ({string.Join(", ", customers.Select(SqlText.Quote))})", asOfMs, limit);

    /// <summary>The same of every customer of a part of all.</summary>
    /// <param name="part">From 0, less than <paramref name="parts"/>.</param>
    public static string OfPart(int part, int parts, long asOfMs, int limit) => Write($"customer_id % {parts} = {part}", asOfMs, limit);

    private static string Write(string which, long asOfMs, int limit) => string.Create(CultureInfo.InvariantCulture, $"""
        SELECT {WhatColumns}, anchor, customer
        FROM events_resolved
        WHERE {which} AND event_time <= fromUnixTimestamp64Milli({asOfMs}, 'UTC')
        ORDER BY customer, ms, event_id, topic, partition, offset, `index`
        LIMIT {limit}
        """);
}
