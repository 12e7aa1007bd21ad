using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ScrmStream.Host.Reading;
using ScrmStream.Identity;

namespace ScrmStream.Host.Decisions;

/// <summary>What a person decided about identifiers: an event like others, so a replay and a rebuild repeat it. Immutable.</summary>
/// <param name="Identifiers">Stored texts <c>kind:scope:value</c>, in any order.</param>
/// <param name="TimeMs">When it takes effect, Unix milliseconds.</param>
public sealed record Decision(string Event, IReadOnlyList<string> Identifiers, long TimeMs, string Author, string Reason)
{
    /// <summary>Takes the evidence between two identifiers away, up to its time.</summary>
    public const string Unbind = "identity_unbind";

    /// <summary>Takes one identifier out of quarantine.</summary>
    public const string Release = "identity_release";

    private static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A function of what was decided: the same decision published twice is dropped as a duplicate.</summary>
    public string EventId
    {
        get
        {
            string[] parts = [Event, TimeMs.ToString(CultureInfo.InvariantCulture), Author, Reason, .. Identifiers];
            return $"decision-{IdentifierId.Of(Encoding.UTF8.GetBytes(string.Join('\n', parts)))}";
        }
    }

    /// <summary>The canonical event.</summary>
    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Format)) Write(json);
        return buffer.WrittenSpan.ToArray();
    }

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("event_id", EventId);
        json.WriteString("event", Event);
        json.WriteNumber("event_time", TimeMs);
        json.WriteString("channel", "crm");
        json.WriteStartArray("identifiers");
        foreach (var text in Identifiers)
        {
            var identifier = CustomerIdentifier.TryParse(text)!;
            json.WriteStartObject();
            json.WriteString("kind", identifier.Kind);
            json.WriteString("scope", identifier.Scope);
            json.WriteString("value", identifier.Value);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartObject("properties");
        json.WriteString("author", Author);
        if (Reason.Length > 0) json.WriteString("reason", Reason);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
