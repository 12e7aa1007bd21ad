using System.Globalization;
using ScrmStream.Pipeline;
using ScrmStream.Rules.Sql;

namespace ScrmStream.ClickHouse.Queries;

/// <summary>
/// The query for the stored rows of ranges of offsets: range, offset, index, least and greatest <c>is_deleted</c>, greatest epoch, one row
/// of each event; and for each range behind which there are more, a row of index <see cref="MoreIndex"/>.
/// </summary>
internal static class StoredRowsSql
{
    /// <summary>No event of a record has it.</summary>
    public const int MoreIndex = -1;

    /// <summary>Of a row of the answer, in binary.</summary>
    public const int RowBytes = 2 + 8 + 4 + 1 + 1 + 8;

    public static string Of(IReadOnlyList<OffsetRange> ranges) =>
        string.Join("\nUNION ALL\n", ranges.Select((range, i) => Of(range, i)));

    private static string Of(OffsetRange range, int number)
    {
        var partition = range.Partition;
        var of = string.Create(CultureInfo.InvariantCulture, $"""
            topic_id = {SqlText.Quote(partition.TopicId.ToString())} AND topic = {SqlText.Quote(partition.Topic)}
                AND partition = {partition.Partition}
            """);
        return string.Create(CultureInfo.InvariantCulture, $"""
            SELECT toUInt16({number}), offset, `index`, min(is_deleted), max(is_deleted), max(epoch) FROM events_rows
            WHERE {of} AND offset >= {range.First} AND offset <= {range.Last} GROUP BY offset, `index`
            UNION ALL
            SELECT toUInt16({number}), toInt64(0), toInt32({MoreIndex}), toUInt8(0), toUInt8(0), toUInt64(0)
            FROM (SELECT 1 FROM events_rows WHERE {of} AND offset > {range.Last} LIMIT 1)
            """);
    }
}
