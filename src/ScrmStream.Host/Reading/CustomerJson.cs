using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ScrmStream.Host.Reading;

/// <summary>Writes customers as programs read them; the names are a contract.</summary>
public static class CustomerJson
{
    private static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One line without its end.</summary>
    public static string ToLine(CustomerCard customer)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, Format)) Write(json, customer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    public static void Write(Utf8JsonWriter json, CustomerCard customer)
    {
        json.WriteStartObject();
        json.WriteString("customer", customer.Customer);
        json.WriteStartArray("identifiers");
        foreach (var identifier in customer.Identifiers)
        {
            json.WriteStartObject();
            json.WriteString("kind", identifier.Kind);
            json.WriteString("scope", identifier.Scope);
            json.WriteString("value", identifier.Value);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        WriteConclusions(json, customer);
        if (customer.Leads.Count > 0) WriteLeads(json, customer);
        json.WriteNumber("first_seen", customer.FirstSeen);
        json.WriteNumber("last_seen", customer.LastSeen);
        json.WriteNumber("events", customer.Events);
        json.WriteEndObject();
    }

    private static void WriteLeads(Utf8JsonWriter json, CustomerCard customer)
    {
        json.WriteStartObject("leads");
        foreach (var (pipeline, lead) in customer.Leads)
        {
            json.WriteStartObject(pipeline);
            json.WriteString("lead", lead.Lead);
            json.WriteString("stage", lead.Stage);
            json.WriteNumber("since", lead.Since);
            json.WriteNumber("count", lead.Count);
            json.WriteString("reminder", lead.Reminder);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void WriteConclusions(Utf8JsonWriter json, CustomerCard customer)
    {
        json.WriteStartObject("tags");
        foreach (var (name, value) in customer.Tags)
        {
            if (customer.JustHolds(name)) json.WriteBoolean(name, true);
            else json.WriteString(name, value);
        }
        json.WriteEndObject();
        json.WriteStartObject("scores");
        foreach (var (name, score) in customer.Scores)
        {
            json.WriteStartObject(name);
            json.WriteNumber("value", score.Value);
            json.WriteString("grade", score.Grade);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteStartObject("attributes");
        foreach (var (name, value) in customer.Attributes) json.WriteString(name, value);
        json.WriteEndObject();
        if (customer.Actions.Count > 0) WriteActions(json, customer);
    }

    private static void WriteActions(Utf8JsonWriter json, CustomerCard customer)
    {
        json.WriteStartObject("actions");
        foreach (var (name, action) in customer.Actions)
        {
            json.WriteStartObject(name);
            json.WriteString("outcome", action.Outcome);
            json.WriteNumber("decided", action.DecidedMs);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }
}
