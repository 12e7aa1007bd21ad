using System.Text.Json.Serialization;

namespace ScrmStream.LoadTest.Plain;

/// <summary>An event as a class, a property for each field that is used.</summary>
internal sealed record PlainEvent(
    [property: JsonPropertyName("event_id")] string EventId, [property: JsonPropertyName("event")] string Event,
    [property: JsonPropertyName("event_time")] long EventTime, [property: JsonPropertyName("channel")] string Channel,
    [property: JsonPropertyName("session_id")] string SessionId, [property: JsonPropertyName("page")] string Page,
    [property: JsonPropertyName("amount_fen")] long AmountFen,
    [property: JsonPropertyName("identifiers")] IReadOnlyList<PlainIdentifier> Identifiers);

internal sealed record PlainIdentifier(
    [property: JsonPropertyName("kind")] string Kind, [property: JsonPropertyName("scope")] string? Scope,
    [property: JsonPropertyName("value")] string Value)
{
    public string Key => $"{Kind}:{Scope}:{Value}";
}

/// <summary>A row of the table, as JSONEachRow takes it.</summary>
internal sealed record PlainRow(
    [property: JsonPropertyName("event_id")] string EventId, [property: JsonPropertyName("event")] string Event,
    [property: JsonPropertyName("event_time")] long EventTime, [property: JsonPropertyName("channel")] string Channel,
    [property: JsonPropertyName("anchor")] string Anchor, [property: JsonPropertyName("customer")] long Customer,
    [property: JsonPropertyName("session_id")] string SessionId, [property: JsonPropertyName("page")] string Page,
    [property: JsonPropertyName("amount_fen")] long AmountFen);
