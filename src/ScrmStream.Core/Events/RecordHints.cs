namespace ScrmStream.Events;

/// <summary>What a record's value is.</summary>
public enum RecordFormat : byte
{
    /// <summary>Nobody said: the bytes decide.</summary>
    Unknown,
    Json,
    /// <summary>One datum with a frame, in the value or in a header, that names its schema.</summary>
    Avro,
    /// <summary>A structured CloudEvent, whose data is the event.</summary>
    CloudEvent,
    /// <summary>A header names a format that is not read here.</summary>
    Foreign,
}

/// <summary>How a record's value is packed.</summary>
public enum RecordPacking : byte
{
    /// <summary>Nobody said: the bytes decide.</summary>
    Unknown,
    None,
    Gzip,
    Zstd,
    /// <summary>A header names a packing that is not read here.</summary>
    Foreign,
}

/// <summary>What is known of a record's format before its bytes are looked at: by its headers first, else by its topic.</summary>
/// <param name="SchemaBytes">Length of the frame that a header holds; the batch keeps it right before the value. 0: none.</param>
public readonly record struct RecordHints(
    RecordFormat Format = RecordFormat.Unknown, RecordPacking Packing = RecordPacking.Unknown, byte SchemaBytes = 0)
{
    /// <summary>The format that a media type names (<c>content-type</c>); unknown where it does not decide.</summary>
    public static RecordFormat FormatOf(ReadOnlySpan<byte> mediaType)
    {
        var end = mediaType.IndexOf((byte)';');
        var word = System.Text.Encoding.ASCII.GetString(end < 0 ? mediaType : mediaType[..end]).Trim().ToLowerInvariant();
        if (word.StartsWith("application/cloudevents", StringComparison.Ordinal))
            return word is "application/cloudevents+json" or "application/cloudevents" ? RecordFormat.CloudEvent : RecordFormat.Foreign;
        if (word.EndsWith("/json", StringComparison.Ordinal) || word.EndsWith("+json", StringComparison.Ordinal)) return RecordFormat.Json;
        if (word is "avro/binary" or "application/vnd.apache.avro+binary" || word.EndsWith("/avro", StringComparison.Ordinal)
            || word.EndsWith("+avro", StringComparison.Ordinal) || word.EndsWith("/x-avro", StringComparison.Ordinal)
            || word.EndsWith("/x-avro-binary", StringComparison.Ordinal))
            return RecordFormat.Avro;
        return word.Contains("protobuf", StringComparison.Ordinal) || word.EndsWith("xml", StringComparison.Ordinal)
            ? RecordFormat.Foreign
            : RecordFormat.Unknown;
    }

    /// <summary>The packing that a <c>content-encoding</c> names.</summary>
    public static RecordPacking PackingOf(ReadOnlySpan<byte> encoding)
    {
        var word = System.Text.Encoding.ASCII.GetString(encoding).Trim().ToLowerInvariant();
        return word switch
        {
            "" or "identity" => RecordPacking.None,
            "gzip" or "x-gzip" => RecordPacking.Gzip,
            "zstd" => RecordPacking.Zstd,
            _ => RecordPacking.Foreign,
        };
    }

    /// <summary>The word of a configured topic.</summary>
    public static bool TryParse(string word, out RecordFormat format)
    {
        format = word.ToLowerInvariant() switch
        {
            "json" => RecordFormat.Json,
            "avro" => RecordFormat.Avro,
            "cloudevents" => RecordFormat.CloudEvent,
            _ => RecordFormat.Unknown,
        };
        return format != RecordFormat.Unknown;
    }
}
