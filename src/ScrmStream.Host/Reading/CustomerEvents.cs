using System.Buffers;
using System.Text.Json;
using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Queries;
using ScrmStream.Events;
using ScrmStream.Host.Settings;
using ScrmStream.Identity;

namespace ScrmStream.Host.Reading;

/// <summary>What ClickHouse holds of one customer's events.</summary>
internal sealed record CustomerRows(string Customer, IReadOnlyList<JsonElement[]> Rows);

/// <summary>
/// The accepted events of customers, from ClickHouse, as the engine decodes them: so what follows from them is what follows in
/// <c>run</c>.
/// </summary>
internal static class CustomerEvents
{
    private const int EventsMax = 100_000;
    private const int BytesMax = 512 << 20;
    private const int CustomerColumn = 20;

    private static readonly string[] Texts =
        ["session_id", "page", "referrer", "source", "medium", "name", "content", "term"];

    /// <exception cref="SettingsException">The customer has more events than one explanation takes.</exception>
    /// <exception cref="ClickHouseException">The server refused the query.</exception>
    public static async Task<EventBatch> ReadAsync(
        ClickHouseClient client, IdentifierId customer, long asOfMs, CancellationToken cancel)
    {
        var sql = CustomerEventsSql.UpTo([customer.ToString()], asOfMs, EventsMax + 1);
        var rows = await ResultRows.ReadAsync(client, sql, cancel);
        if (rows.Count > EventsMax)
            throw new SettingsException($"The customer has more than {EventsMax:N0} events by then; an explanation takes no more.");
        return Decode(rows, new EventBatch(new RecordBatch(rows.Count + 1, BytesMax)));
    }

    /// <summary>The rows of several customers, to be decoded one after the other. Who has none is not among them.</summary>
    /// <param name="sql">One of <see cref="CustomerEventsSql"/>.</param>
    /// <exception cref="ClickHouseException">The server refused the query.</exception>
    public static async Task<IReadOnlyList<CustomerRows>> ReadManyAsync(ClickHouseClient client, string sql, CancellationToken cancel)
    {
        var rows = await ResultRows.ReadAsync(client, sql, cancel);
        return [.. rows.GroupBy(row => row[CustomerColumn].GetString()!).Select(g => new CustomerRows(g.Key, [.. g]))];
    }

    /// <summary>A batch that any of some customers' events fit into.</summary>
    public static EventBatch BatchFor(IReadOnlyList<CustomerRows> customers) =>
        new(new RecordBatch(customers.Select(c => c.Rows.Count).DefaultIfEmpty(0).Max() + 1, BytesMax));

    /// <summary>Decodes rows into a batch, in place of what was in it.</summary>
    public static EventBatch Decode(IReadOnlyList<JsonElement[]> rows, EventBatch batch)
    {
        batch.Clear();
        var source = new SourcePartition(Guid.Empty, "events", 0);
        var json = new ArrayBufferWriter<byte>();
        foreach (var row in rows)
        {
            json.ResetWrittenCount();
            using (var writer = new Utf8JsonWriter(json)) Write(writer, row);
            batch.Records.Add(source, batch.Records.Count, -1, json.WrittenSpan);
        }
        new JsonEventDecoder(new EventLimits()).Decode(batch);
        return batch.Rejects.Count == 0
            ? batch : throw new InvalidDataException($"A stored event is not readable: {batch.Rejects[0].Detail}");
    }

    private static void Write(Utf8JsonWriter json, JsonElement[] row)
    {
        json.WriteStartObject();
        WriteWhat(json, row);
        WriteAnchor(json, row[19].GetString()!);
        json.WriteEndObject();
    }

    /// <summary>Writes the fields of the canonical event but for its identifiers.</summary>
    internal static void WriteWhat(Utf8JsonWriter json, JsonElement[] row)
    {
        WriteText(json, "event_id", row[0]);
        json.WriteString("event", row[1].GetString());
        json.WriteNumber("event_time", ResultRows.Long(row[2]));
        json.WriteString("channel", row[3].GetString());
        for (var i = 0; i < 3; i++) WriteText(json, Texts[i], row[4 + i]);
        json.WriteStartObject("campaign");
        for (var i = 3; i < Texts.Length; i++) WriteText(json, Texts[i], row[4 + i]);
        json.WriteEndObject();
        json.WriteStartObject("share");
        WriteText(json, "from", row[12]);
        if (row[13].ValueKind != JsonValueKind.Null) json.WriteNumber("depth", ResultRows.Long(row[13]));
        json.WriteEndObject();
        if (row[14].ValueKind != JsonValueKind.Null) json.WriteNumber("amount_fen", ResultRows.Long(row[14]));
        WriteText(json, "currency", row[15]);
        WriteProperties(json, row[16], row[17], row[18].GetString()!);
    }

    // An absent text is stored as an empty one.
    private static void WriteText(Utf8JsonWriter json, string name, JsonElement text)
    {
        if (text.GetString() is { Length: > 0 } value) json.WriteString(name, value);
    }

    // A number or boolean is stored as its JSON literal, with a letter for its type.
    private static void WriteProperties(Utf8JsonWriter json, JsonElement names, JsonElement values, string types)
    {
        json.WriteStartObject("properties");
        for (var i = 0; i < types.Length; i++)
        {
            var value = values[i].GetString()!;
            json.WritePropertyName(names[i].GetString()!);
            if (types[i] == 's') json.WriteStringValue(value);
            else json.WriteRawValue(value);
        }
        json.WriteEndObject();
    }

    private static void WriteAnchor(Utf8JsonWriter json, string text)
    {
        json.WriteStartArray("identifiers");
        WriteIdentifier(json, text, isVerified: true);
        json.WriteEndArray();
    }

    /// <summary>Writes an identifier of a stored text.</summary>
    internal static void WriteIdentifier(Utf8JsonWriter json, string text, bool isVerified)
    {
        var identifier = CustomerIdentifier.TryParse(text)!;
        json.WriteStartObject();
        json.WriteString("kind", identifier.Kind);
        json.WriteString("scope", identifier.Scope);
        json.WriteString("value", identifier.Value);
        if (!isVerified) json.WriteBoolean("verified", false);
        json.WriteEndObject();
    }
}
