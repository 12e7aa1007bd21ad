using System.Globalization;
using ScrmStream.Identity;

namespace ScrmStream.ClickHouse.Queries;

/// <summary>The query of what is stored of anchors' events, with the columns that a rule change needs.</summary>
internal static class AnchorEventsSql
{
    // Beyond so many anchors a list of them costs more than reading all.
    private const int AnchorsMax = 5_000;

    private const string Time = "toUnixTimestamp64Milli(event_time)";

    /// <summary>
    /// Stored rows, anchor by anchor, those of one record together and the one that holds first: anchor_id, topic_id, topic, partition,
    /// offset, index, is_deleted, event, milliseconds, channel, and then the columns asked for.
    /// </summary>
    /// <param name="anchors">Null: all of the buckets.</param>
    public static string Of(int firstBucket, int buckets, IReadOnlyCollection<IdentifierId>? anchors, IEnumerable<string> columns)
    {
        var last = (UInt128)(firstBucket + buckets) << 116;
        var among = anchors is null || anchors.Count > AnchorsMax
            ? "" : $" AND anchor_id IN ({string.Join(", ", anchors.Select(a => Number(a.Value)))})";
        string[] all =
            ["anchor_id", "topic_id", "topic", "partition", "offset", "index", "is_deleted", "event", Time, "channel", .. columns];
        // What FINAL does, by the order that the rows have to be brought into anyway: the anchor is a function of the record.
        return string.Create(CultureInfo.InvariantCulture, $"""
            SELECT {string.Join(", ", all)}
            FROM events_rows
            WHERE anchor_id >= {Number((UInt128)firstBucket << 116)} AND anchor_id <= {Number(last - 1)}{among}
            ORDER BY anchor_id, topic_id, topic, partition, offset, `index`, epoch DESC
            """);
    }

    private static string Number(UInt128 value) => $"toUInt128('{value.ToString(CultureInfo.InvariantCulture)}')";
}
