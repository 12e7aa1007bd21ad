using System.Text.Json;
using System.Text.Unicode;

namespace ScrmStream.Events;

/// <summary>A structured CloudEvent in JSON: the event is its <c>data</c>, or <c>data_base64</c>.</summary>
internal static class CloudEventEnvelope
{
    private static readonly JsonReaderOptions Options = new() { MaxDepth = 64 };

    /// <summary>Finds the data; what has to be decoded for it goes behind the records.</summary>
    /// <returns>What is wrong with the envelope; null: nothing.</returns>
    public static string? Data(RecordBatch records, TextRange envelope, out TextRange data)
    {
        data = TextRange.Absent;
        var json = envelope.In(records.Buffer);
        if (!Utf8.IsValid(json)) return "not valid UTF-8";
        try
        {
            var reader = new Utf8JsonReader(json, Options);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return "a CloudEvent that is no object";
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var (isData, isBytes) = (reader.ValueTextEquals("data"u8), reader.ValueTextEquals("data_base64"u8));
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                if (isBytes && reader.TokenType == JsonTokenType.String) data = Bytes(records, ref reader);
                else reader.Skip();
                if (isData) data = new TextRange(envelope.Start + start, (int)reader.BytesConsumed - start);
            }
            if (reader.Read()) return "text after the CloudEvent";
            return data.IsPresent ? null : "a CloudEvent without data";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            // The latter two: an escape that is no character, and text that is not base64.
            return e.Message;
        }
    }

    private static TextRange Bytes(RecordBatch records, ref Utf8JsonReader reader)
    {
        var bytes = reader.GetBytesFromBase64();
        var start = records.Reserve(bytes.Length);
        bytes.CopyTo(records.Buffer.AsSpan(start));
        return new TextRange(start, bytes.Length);
    }
}
