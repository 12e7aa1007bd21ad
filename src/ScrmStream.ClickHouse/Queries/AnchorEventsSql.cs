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
    /// Accepted events, anchor by anchor: anchor_id, topic_id, topic, partition, offset, index, event, milliseconds, channel, and then the
    /// columns asked for.
    /// </summary>
    /// <param name="anchors">Null: all of the buckets.</param>
    public static string Of(int firstBucket, int buckets, IReadOnlyCollection<IdentifierId>? anchors, IEnumerable<string> columns)
    {
        var last = (UInt128)(firstBucket + buckets) << 116;
        var among = anchors is null || anchors.Count > AnchorsMax
            ? "" : $" AND anchor_id IN ({string.Join(", ", anchors.Select(a => Number(a.Value)))})";
        string[] all = ["anchor_id", "topic_id", "topic", "partition", "offset", "index", "event", Time, "channel", .. columns];
        // The anchor is a function of the record, so rows that FINAL lets replace each other have the same: it may be asked for first.
        return string.Create(CultureInfo.InvariantCulture, $"""
            SELECT {string.Join(", ", all)}
            FROM events_rows FINAL
            WHERE anchor_id >= {Number((UInt128)firstBucket << 116)} AND anchor_id <= {Number(last - 1)}{among}
            ORDER BY anchor_id
            SETTINGS optimize_move_to_prewhere_if_final = 1
            """);
    }

    private static string Number(UInt128 value) => $"toUInt128('{value.ToString(CultureInfo.InvariantCulture)}')";
}
