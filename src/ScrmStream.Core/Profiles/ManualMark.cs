using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// What somebody last did with one tag by hand: an <see cref="EdgeEntry"/> of the latest event <c>tag_set</c> or <c>tag_unset</c> that
/// names the tag and has an author. Content:
/// <code>u8 1 = set, 0 = removed | u8 author length | author | value        author at most 128 bytes, value at most 512</code>
/// </summary>
public sealed class ManualMark(string tag) : Aggregate($"manual[{tag}]")
{
    public const int AuthorBytesMax = 128;
    public const string SetEvent = "tag_set", UnsetEvent = "tag_unset";

    private const int ContentBytesMax = 2 + AuthorBytesMax + EdgeValue.ValueBytesMax;

    private static readonly EventField Author = EventField.TryFind("properties.author")!;
    private static readonly EventField Value = EventField.TryFind("properties.value")!;

    public override int BytesMax => EdgeEntry.HeadBytesMax + ContentBytesMax;

    /// <summary>A mark as it was last made. Spans are valid as long as the shards are.</summary>
    public readonly ref struct Mark(long timeMs, ReadOnlySpan<byte> content)
    {
        private readonly ReadOnlySpan<byte> _content = content;

        public long TimeMs { get; } = timeMs;
        public bool IsSet => _content[0] == 1;
        public ReadOnlySpan<byte> Author => _content.Slice(2, _content[1]);
        /// <summary>"1" where the event gave none.</summary>
        public ReadOnlySpan<byte> Value => _content[(2 + _content[1])..];
    }

    public override IEnumerable<EventField> Fields => [EventField.TryFind("event")!, EventField.EventId, Author, Value];

    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        Span<byte> scratch = stackalloc byte[24];
        if (!Author.TryGetText(batch, in e, scratch, out var author) || author.IsEmpty) return;
        author = EdgeEntry.Cut(author, AuthorBytesMax);
        Span<byte> content = stackalloc byte[ContentBytesMax];
        var isSet = batch.Text(e.Name).SequenceEqual("tag_set"u8);
        content[0] = (byte)(isSet ? 1 : 0);
        content[1] = (byte)author.Length;
        author.CopyTo(content[2..]);
        var length = 2 + author.Length;
        if (isSet)
        {
            if (!Value.TryGetText(batch, in e, scratch, out var value) || value.IsEmpty) value = "1"u8;
            value = EdgeEntry.Cut(value, EdgeValue.ValueBytesMax);
            value.CopyTo(content[length..]);
            length += value.Length;
        }
        Keep(shard, StoredTime.Clamp(e.EventTimeMs), batch.Text(e.EventId), content[..length]);
    }

    /// <summary>The latest mark over all shards; false when nobody ever made one.</summary>
    public bool TryGet(ShardSet shards, out Mark mark)
    {
        ReadOnlySpan<byte> best = default;
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            if (!payload.IsEmpty && (best.IsEmpty || EdgeEntry.Compare(payload, best) > 0)) best = payload;
        }
        mark = best.IsEmpty ? default : new Mark(StoredTime.Read(best), EdgeEntry.Content(best));
        return !best.IsEmpty;
    }

    private void Keep(ShardBuffer shard, long timeMs, ReadOnlySpan<byte> eventId, ReadOnlySpan<byte> content)
    {
        if (eventId.Length > EdgeEntry.EventIdBytesMax) eventId = eventId[..EdgeEntry.EventIdBytesMax];
        var stored = shard.Aggregate(Key);
        if (stored.IsEmpty || EdgeEntry.Compare(timeMs, eventId, content, stored) > 0)
            EdgeEntry.Write(shard, Key, timeMs, eventId, content);
    }
}
