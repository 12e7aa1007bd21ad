namespace ScrmStream.Kafka;

/// <summary>
/// The note kept beside a committed offset in the group's own store: the id of the topic the offset is of. Offsets are kept by
/// name, so without the note a recreated topic would be read from the middle. An offset without a note was set by an
/// operator's tool and is trusted.
/// </summary>
internal static class OffsetNote
{
    public const int BytesMax = 64;
    private const string Name = "topicid=";

    public static ReadOnlySpan<byte> Of(Guid topicId, Span<byte> room)
    {
        if (topicId == Guid.Empty) return [];
        System.Text.Encoding.ASCII.GetBytes(Name, room);
        topicId.TryFormat(room[Name.Length..], out var written, "D");
        return room[..(Name.Length + written)];
    }

    public static Guid? Read(ReadOnlySpan<byte> note)
    {
        if (note.Length <= Name.Length || !note.StartsWith("topicid="u8)) return null;
        return Guid.TryParse(note[Name.Length..], out var id) ? id : null;
    }
}
