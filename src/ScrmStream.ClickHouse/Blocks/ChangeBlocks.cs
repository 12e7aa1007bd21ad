using ScrmStream.Events;
using ScrmStream.Pipeline;

namespace ScrmStream.ClickHouse.Blocks;

/// <summary>Blocks of the smaller tables. The caller disposes what it gets.</summary>
internal static class ChangeBlocks
{
    private static readonly NativeTable Tags = new("tag_changes_rows",
        new("customer_id", "UInt128"), new("tag", "String"), new("value", "Nullable(String)"), new("previous", "Nullable(String)"),
        new("since", "DateTime64(3, 'UTC')"), new("rules", "String"));

    private static readonly NativeTable Scores = new("score_changes_rows",
        new("customer_id", "UInt128"), new("score", "String"), new("value_micro", "Int64"), new("grade", "Nullable(String)"),
        new("previous", "Nullable(String)"), new("since", "DateTime64(3, 'UTC')"), new("rules", "String"));

    private static readonly NativeTable IdentityHistory = new("identity_history_rows",
        new("identifier_id", "UInt128"), new("version", "UInt64"), new("customer_id", "Nullable(UInt128)"), new("text", "String"),
        new("known_time", "DateTime64(3, 'UTC')"));

    private static readonly NativeTable DeadLetters = new("dead_letters_rows",
        new("topic_id", "UUID"), new("topic", "String"), new("partition", "Int32"), new("offset", "Int64"), new("index", "Int32"),
        new("record_time", "Nullable(DateTime64(3, 'UTC'))"), new("reason", "String"), new("detail", "String"), new("raw", "String"));

    // NotDecodable -> not_decodable: the words of metrics and summaries.
    private static readonly string[] ReasonWords = Array.ConvertAll(Enum.GetNames<RejectReason>(), name =>
        string.Concat(name.Select((c, i) => char.IsAsciiLetterUpper(c) && i > 0
            ? "_" + char.ToLowerInvariant(c) : char.ToLowerInvariant(c).ToString())));

    public static NativeBlock Of(IReadOnlyList<TagChange> changes)
    {
        var block = new NativeBlock(Tags) { Rows = changes.Count };
        for (var i = 0; i < changes.Count; i++)
        {
            var change = changes[i];
            block.Buffers[0].UInt128(change.Customer.Value);
            block.Buffers[1].Text(change.Tag);
            Nullable(block, 2, change.Value);
            Nullable(block, 4, change.Previous);
            block.Buffers[6].Int64(change.SinceMs);
            block.Buffers[7].Text(change.Rules ?? "");
        }
        return block;
    }

    public static NativeBlock Of(IReadOnlyList<ScoreChange> changes)
    {
        var block = new NativeBlock(Scores) { Rows = changes.Count };
        for (var i = 0; i < changes.Count; i++)
        {
            var change = changes[i];
            block.Buffers[0].UInt128(change.Customer.Value);
            block.Buffers[1].Text(change.Score);
            block.Buffers[2].Int64(change.ValueMicro);
            Nullable(block, 3, change.Grade);
            Nullable(block, 5, change.Previous);
            block.Buffers[7].Int64(change.SinceMs);
            block.Buffers[8].Text(change.Rules ?? "");
        }
        return block;
    }

    public static NativeBlock Of(IReadOnlyList<IdentityMapping> mappings)
    {
        var block = new NativeBlock(IdentityHistory) { Rows = mappings.Count };
        for (var i = 0; i < mappings.Count; i++)
        {
            var mapping = mappings[i];
            block.Buffers[0].UInt128(mapping.Identifier.Value);
            block.Buffers[1].Int64((long)mapping.Version);
            block.Buffers[2].Byte(mapping.Customer is null ? (byte)1 : (byte)0);
            block.Buffers[3].UInt128(mapping.Customer?.Value ?? 0);
            block.Buffers[4].Text(mapping.Text.Span);
            block.Buffers[5].Int64(mapping.KnownAtMs);
        }
        return block;
    }

    public static NativeBlock Of(IReadOnlyList<DeadLetter> letters)
    {
        var block = new NativeBlock(DeadLetters) { Rows = letters.Count };
        for (var i = 0; i < letters.Count; i++)
        {
            var letter = letters[i];
            var partition = letter.Position.Partition;
            block.Buffers[0].Uuid(partition.TopicId);
            block.Buffers[1].Text(partition.Topic);
            block.Buffers[2].Int32(partition.Partition);
            block.Buffers[3].Int64(letter.Position.Offset);
            block.Buffers[4].Int32(letter.Position.Index);
            block.Buffers[5].Byte(letter.TimestampMs >= 0 ? (byte)0 : (byte)1);
            block.Buffers[6].Int64(Math.Max(0, letter.TimestampMs));
            block.Buffers[7].Text(ReasonWords[(int)letter.Reason]);
            block.Buffers[8].Text(letter.Detail);
            block.Buffers[9].Text(letter.Raw.Span);
        }
        return block;
    }

    private static void Nullable(NativeBlock block, int at, string? value)
    {
        block.Buffers[at].Byte(value is null ? (byte)1 : (byte)0);
        block.Buffers[at + 1].Text(value ?? "");
    }
}
