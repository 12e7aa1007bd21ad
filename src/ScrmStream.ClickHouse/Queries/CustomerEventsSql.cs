using System.Globalization;

namespace ScrmStream.ClickHouse.Queries;

/// <summary>The query of one customer's events, with all that rules look at.</summary>
public static class CustomerEventsSql
{
    /// <summary>
    /// The accepted events up to a time of the customer as known now, in order of time: event_id, event, milliseconds, channel, session_id,
    /// page, referrer, campaign source, medium, name, content, term, share_from, share_depth, amount_fen, currency, names, values and types
    /// of properties, anchor.
    /// </summary>
    /// <param name="customer">32 hex digits.</param>
    public static string UpTo(string customer, long asOfMs, int limit) => string.Create(CultureInfo.InvariantCulture, $"""
        SELECT event_id, event, toUnixTimestamp64Milli(event_time) AS ms, channel, session_id, page, referrer,
            campaign_source, campaign_medium, campaign_name, campaign_content, campaign_term, share_from, share_depth, amount_fen, currency,
            mapKeys(properties), mapValues(properties), property_types, anchor
        FROM events_resolved
        WHERE customer = {SqlText.Quote(customer)} AND event_time <= fromUnixTimestamp64Milli({asOfMs}, 'UTC')
        ORDER BY ms, event_id, topic, partition, offset, `index`
        LIMIT {limit}
        """);
}
