using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ScrmStream.Host.Replay;

/// <summary>
/// Writes customers as lines of JSON and folds them into the state hash: SHA-256 over, for each customer in order of id, id,
/// identifiers, tags, scores in millionths, leads with their histories, first and last seen, events. Coordinates and rejects are not in
/// it, so that any order of
/// the same events gives the same hash.
/// </summary>
public sealed class CustomerWriter(Stream output) : IDisposable
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly ArrayBufferWriter<byte> _line = new();
    private readonly StringBuilder _canonical = new();

    public long Customers { get; private set; }
    public long Tags { get; private set; }

    public void Write(CustomerProfile customer)
    {
        WriteLine(customer);
        Hash(customer);
        Customers++;
        Tags += customer.Conclusion.TagCount;
    }

    /// <summary>64 hex digits over all customers written so far.</summary>
    public string StateHash() => Convert.ToHexStringLower(_hash.GetCurrentHash());

    public void Dispose() => _hash.Dispose();

    private void WriteLine(CustomerProfile customer)
    {
        _line.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_line, Plain)) WriteCustomer(json, customer);
        output.Write(_line.WrittenSpan);
        output.WriteByte((byte)'\n');
    }

    private static void WriteCustomer(Utf8JsonWriter json, CustomerProfile customer)
    {
        json.WriteStartObject();
        json.WriteString("customer", customer.Id.ToString());
        json.WriteStartArray("identifiers");
        for (var i = 0; i < customer.IdentifierCount; i++) WriteIdentifier(json, customer, i);
        json.WriteEndArray();
        json.WriteStartObject("tags");
        for (var i = 0; i < customer.Conclusion.TagCount; i++)
        {
            var tag = customer.Conclusion.Tag(i);
            if (customer.JustHolds(tag)) json.WriteBoolean(tag.Name, true);
            else json.WriteString(tag.Name, tag.Value);
        }
        json.WriteEndObject();
        json.WriteStartObject("scores");
        for (var i = 0; i < customer.Conclusion.ScoreCount; i++) WriteScore(json, customer, i);
        json.WriteEndObject();
        json.WriteStartObject("attributes");
        foreach (var (name, value) in customer.Attributes()) json.WriteString(name, value);
        json.WriteEndObject();
        if (customer.Conclusion.LeadCount > 0) WriteLeads(json, customer.Conclusion);
        json.WriteNumber("first_seen", customer.FirstSeenMs);
        json.WriteNumber("last_seen", customer.LastSeenMs);
        json.WriteNumber("events", customer.Events);
        json.WriteEndObject();
    }

    private static void WriteLeads(Utf8JsonWriter json, Rules.Conclusion conclusion)
    {
        json.WriteStartObject("leads");
        for (var i = 0; i < conclusion.LeadCount; i++)
        {
            var lead = conclusion.Lead(i);
            json.WriteStartObject(lead.Pipeline);
            json.WriteString("lead", lead.Id);
            json.WriteString("stage", lead.Stage);
            json.WriteNumber("since", lead.SinceMs);
            json.WriteNumber("count", lead.Leads);
            if (lead.Reminder.IsEmpty) json.WriteNull("reminder");
            else json.WriteString("reminder", lead.Reminder);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void WriteIdentifier(Utf8JsonWriter json, CustomerProfile customer, int i)
    {
        var (kind, scope, value) = customer.Identifier(i);
        json.WriteStartObject();
        json.WriteString("kind", Events.IdentifierKinds.Word(kind));
        json.WriteString("scope", scope);
        json.WriteString("value", value);
        json.WriteEndObject();
    }

    private static void WriteScore(Utf8JsonWriter json, CustomerProfile customer, int i)
    {
        var score = customer.Conclusion.Score(i);
        json.WriteStartObject(score.Name);
        json.WriteNumber("value", score.MicroPoints / 1_000_000m);
        if (score.Grade.IsEmpty) json.WriteNull("grade");
        else json.WriteString("grade", score.Grade);
        json.WriteEndObject();
    }

    private void Hash(CustomerProfile customer)
    {
        _canonical.Clear().Append(customer.Id).Append('\n');
        for (var i = 0; i < customer.IdentifierCount; i++)
        {
            var (kind, scope, value) = customer.Identifier(i);
            _canonical.Append(Events.IdentifierKinds.Word(kind)).Append(':').Append(scope).Append(':').Append(value).Append('\n');
        }
        for (var i = 0; i < customer.Conclusion.TagCount; i++)
        {
            var tag = customer.Conclusion.Tag(i);
            _canonical.Append(Encoding.UTF8.GetString(tag.Name)).Append('=').Append(Encoding.UTF8.GetString(tag.Value)).Append('\n');
        }
        for (var i = 0; i < customer.Conclusion.ScoreCount; i++)
        {
            var score = customer.Conclusion.Score(i);
            _canonical.Append(Encoding.UTF8.GetString(score.Name)).Append('=').Append(score.MicroPoints).Append('\n');
        }
        foreach (var (name, value) in customer.Attributes()) _canonical.Append(name).Append(':').Append(value).Append('\n');
        for (var i = 0; i < customer.Conclusion.LeadCount; i++)
        {
            var lead = customer.Conclusion.Lead(i);
            var stage = Encoding.UTF8.GetString(lead.Stage);
            _canonical.Append(lead.Id).Append('=').Append(stage).Append(' ').Append(lead.HistoryHash).Append('\n');
        }
        _canonical.Append(customer.FirstSeenMs).Append(' ').Append(customer.LastSeenMs).Append(' ').Append(customer.Events).Append('\n');
        _hash.AppendData(Encoding.UTF8.GetBytes(_canonical.ToString()));
    }
}
