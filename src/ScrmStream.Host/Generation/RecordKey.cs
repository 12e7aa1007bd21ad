using System.Text.Json;

namespace ScrmStream.Host.Generation;

/// <summary>Chooses a record's key, so that one person's events mostly stay in one partition.</summary>
internal static class RecordKey
{
    /// <summary>
    /// The value of the first identifier of that kind, else of the first identifier, of the record's first event; null when there is
    /// none or the record is not an event.
    /// </summary>
    /// <param name="kind">Null: any.</param>
    public static byte[]? Of(ReadOnlySpan<byte> json, byte[]? kind)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            if (!reader.Read()) return null;
            if (reader.TokenType == JsonTokenType.StartArray && !reader.Read()) return null;
            if (reader.TokenType != JsonTokenType.StartObject) return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isIdentifiers = reader.ValueTextEquals("identifiers"u8);
                reader.Read();
                if (isIdentifiers && reader.TokenType == JsonTokenType.StartArray) return OfIdentifiers(ref reader, kind);
                reader.Skip();
            }
            return null;
        }
        // What is no event has no key; the engine says what is wrong with it. An escape that is no character throws the latter.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static byte[]? OfIdentifiers(ref Utf8JsonReader reader, byte[]? kind)
    {
        byte[]? first = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            var isWanted = kind is null;
            byte[]? value = null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var (isKind, isValue) = (reader.ValueTextEquals("kind"u8), reader.ValueTextEquals("value"u8));
                reader.Read();
                if (reader.TokenType != JsonTokenType.String) reader.Skip();
                else if (isKind) isWanted |= kind is not null && reader.ValueTextEquals(kind);
                else if (isValue) value = Text(ref reader);
            }
            if (value is null or []) continue;
            if (isWanted) return value;
            first ??= value;
        }
        return first;
    }

    private static byte[] Text(ref Utf8JsonReader reader)
    {
        var text = new byte[reader.ValueSpan.Length];
        return text[..reader.CopyString(text)];
    }
}
