using System.Globalization;
using System.Text;
using Confluent.Kafka;

namespace ScrmStream.Kafka;

/// <summary>A letter as the dead-letter topic holds it.</summary>
/// <param name="Place">Where the record came from: <c>topic/partition/offset/index</c>, without the index for a whole record.</param>
/// <param name="Replays">How often its record had been put back before it was rejected.</param>
/// <param name="IsCut">The value is only the beginning of the record.</param>
/// <param name="OwnHeaders">The record's headers, in their order; null: a header without a value.</param>
public sealed record StoredLetter(
    string Place, string Topic, Guid TopicId, int Partition, long Offset, int Index, string Reason, string Detail, long TimestampMs,
    bool IsWholeRecord, bool IsCut, int Replays, byte[]? Key, byte[] Value, IReadOnlyList<(string Name, byte[]? Value)> OwnHeaders)
{
    /// <summary>Header of a record that was put back: how often, counted up.</summary>
    public const string ReplaysHeader = "scrm_replays";

    /// <summary>Header of a record that was put back: where it was when it was first rejected.</summary>
    public const string OriginHeader = "scrm_origin";

    /// <summary>One per origin, whatever number of letters say so; the topic's id keeps a recreated topic apart.</summary>
    public string Origin => string.Create(CultureInfo.InvariantCulture, $"{TopicId:N}/{Topic}/{Partition}/{Offset}/{Index}");

    /// <summary>Where the record was when it was first rejected, also when it has been put back since.</summary>
    public string FirstOrigin => OwnText(OriginHeader) ?? Origin;

    /// <summary>Null for a record of the topic that is no letter.</summary>
    internal static StoredLetter? Of(ConsumeResult<byte[]?, byte[]?> record)
    {
        var headers = record.Message.Headers;
        string? Text(string name) => headers.TryGetLastBytes(name, out var bytes) ? Encoding.UTF8.GetString(bytes ?? []) : null;
        if (Text("reason") is not { } reason || Text("topic") is not { } topic || !Guid.TryParse(Text("topic_id"), out var topicId)
            || !int.TryParse(Text("partition"), out var partition) || !long.TryParse(Text("offset"), out var offset)
            || !int.TryParse(Text("index"), out var index))
            return null;
        var own = headers.Where(h => h.Key.StartsWith(KafkaDeadLetterSink.OwnHeaderPrefix, StringComparison.Ordinal))
            .Select(h => (h.Key[KafkaDeadLetterSink.OwnHeaderPrefix.Length..], (byte[]?)h.GetValueBytes())).ToList();
        var replays = own.FindLast(h => h.Item1 == ReplaysHeader).Item2;
        _ = int.TryParse(Encoding.UTF8.GetString(replays ?? []), out var count);
        _ = long.TryParse(Text("timestamp"), out var timestampMs);
        var place = string.Create(CultureInfo.InvariantCulture, $"{topic}/{partition}/{offset}") + (index < 0 ? "" : $"/{index}");
        return new StoredLetter(
            place, topic, topicId, partition, offset, index, reason, Text("detail") ?? "", timestampMs, Text("part") != "event",
            Text("cut_from") is not null, count, record.Message.Key, record.Message.Value ?? [], own);
    }

    private string? OwnText(string name) =>
        OwnHeaders.LastOrDefault(h => h.Name == name).Value is { } value ? Encoding.UTF8.GetString(value) : null;
}
