using System.Globalization;
using ScrmStream.Rules.Sql;

namespace ScrmStream.ClickHouse.Queries;

/// <summary>
/// The queries of all stored events by their coordinates, duplicates among them: of several rows of one that with the verdict that holds.
/// </summary>
public static class StoredEventsSql
{
    /// <summary>Columns of <see cref="Page"/>: behind what happened, as <see cref="CustomerEventsSql"/> has it.</summary>
    public const int OffsetColumn = 19, IndexColumn = 20, RecordTimeColumn = 21, IdentifiersColumn = 22, UnverifiedColumn = 23,
        NamedColumn = 24;

    /// <summary>Topic id, topic, partition, how many rows, and the last offset, of each partition that has any.</summary>
    public const string Partitions = """
        SELECT toString(topic_id), topic, partition, count(), max(offset) FROM events_rows
        GROUP BY topic_id, topic, partition ORDER BY topic_id, topic, partition
        """;

    /// <summary>Topic id, topic, partition, offset, index of all duplicates.</summary>
    public const string Duplicates = """
        SELECT toString(topic_id), topic, partition, offset, `index` FROM events_rows
        WHERE (topic_id, topic, partition, offset, `index`) IN
            (SELECT topic_id, topic, partition, offset, `index` FROM events_rows WHERE is_deleted = 1)
        GROUP BY topic_id, topic, partition, offset, `index` HAVING argMax(is_deleted, epoch) = 1
        """;

    /// <summary>The highest version of any mapping; what is published again has to be above it.</summary>
    public const string GreatestVersion = "SELECT max(version) FROM identity_history_rows";

    /// <summary>Rows of a partition from one offset to another, both of them too, in order of offset and place.</summary>
    public static string Page(string topicId, string topic, int partition, long fromOffset, long toOffset, int limit) =>
        string.Create(CultureInfo.InvariantCulture, $"""
            SELECT {CustomerEventsSql.WhatColumns}, offset, `index`, toUnixTimestamp64Milli(record_time), identifiers, unverified,
                named_identifiers
            FROM events_rows
            WHERE topic_id = {SqlText.Quote(topicId)} AND topic = {SqlText.Quote(topic)} AND partition = {partition}
                AND offset >= {fromOffset} AND offset <= {toOffset}
            ORDER BY offset, `index`, epoch DESC
            LIMIT 1 BY offset, `index`
            LIMIT {limit}
            """);
}
