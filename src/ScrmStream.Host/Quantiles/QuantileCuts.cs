using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using ScrmStream.Host.Settings;
using ScrmStream.Profiles;

namespace ScrmStream.Host.Quantiles;

/// <summary>
/// The cuts of one attribute over all customers, and the events that tell them to every customer: <c>profile_update</c> with the
/// properties <c>ATTRIBUTE_p20</c> and so on. The cut of p % is the least value that at least p % of the customers do not exceed.
/// </summary>
/// <param name="Customers">How many have the attribute; only these count, and only these are told.</param>
/// <param name="Cuts">Per percentage the cut, in micro.</param>
public sealed record QuantileCuts(string Attribute, int Customers, IReadOnlyList<(int Percent, Int128 Micro)> Cuts)
{
    private static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Finds the cuts of the customers in a file that <c>replay</c> wrote (customers.ndjson).</summary>
    /// <exception cref="SettingsException">A line is no customer, or none has the attribute; the message says which.</exception>
    public static QuantileCuts Find(string file, string attribute, IReadOnlyList<int> percents)
    {
        List<Int128> values = [];
        foreach (var (customer, line) in Lines(file))
            using (customer)
                if (ValueOf(customer.RootElement, file, line, attribute) is { } micro) values.Add(micro);
        if (values.Count == 0) throw new SettingsException($"{file}: no customer has the attribute '{attribute}' as a number.");
        values.Sort();
        return new QuantileCuts(attribute, values.Count, [.. percents.Select(p => (p, values[Rank(p, values.Count)]))]);
    }

    /// <summary>Writes an event for each customer that has the attribute, in the order of the file; returns how many.</summary>
    /// <param name="timeMs">From when on the cuts apply, Unix milliseconds.</param>
    public int Write(string file, long timeMs, Stream output)
    {
        var written = 0;
        using var json = new Utf8JsonWriter(output, Format);
        foreach (var (customer, line) in Lines(file))
        {
            using (customer)
            {
                if (ValueOf(customer.RootElement, file, line, Attribute) is null) continue;
                Write(json, customer.RootElement.GetProperty("identifiers")[0], timeMs);
            }
            json.Flush();
            output.WriteByte((byte)'\n');
            json.Reset();
            written++;
        }
        return written;
    }

    private static int Rank(int percent, int count) => Math.Max(0, (int)(((long)percent * count + 99) / 100) - 1);

    private static IEnumerable<(JsonDocument Customer, int Line)> Lines(string file)
    {
        var line = 0;
        foreach (var text in File.ReadLines(file))
        {
            line++;
            JsonDocument customer;
            try
            {
                customer = JsonDocument.Parse(text);
            }
            catch (JsonException e)
            {
                throw new SettingsException($"{file}:{line}: not a customer as \"replay\" writes them: {e.Message}");
            }
            yield return (customer, line);
        }
    }

    private static Int128? ValueOf(JsonElement customer, string file, int line, string attribute)
    {
        if (customer.ValueKind != JsonValueKind.Object || !customer.TryGetProperty("attributes", out var attributes)
            || !customer.TryGetProperty("identifiers", out var identifiers) || identifiers.GetArrayLength() == 0)
            throw new SettingsException($"{file}:{line}: not a customer as \"replay\" writes them");
        return attributes.TryGetProperty(attribute, out var value) && Micro.TryParse(JsonText(value), out var micro) ? micro : null;
    }

    private static byte[] JsonText(JsonElement value) => System.Text.Encoding.UTF8.GetBytes(value.GetString() ?? "");

    private void Write(Utf8JsonWriter json, JsonElement identifier, long timeMs)
    {
        json.WriteStartObject();
        // The same cuts published twice are one event; of two at one time the same wins everywhere.
        json.WriteString("event_id", string.Create(CultureInfo.InvariantCulture, $"quantiles-{Attribute}-{timeMs}"));
        json.WriteString("event", "profile_update");
        json.WriteNumber("event_time", timeMs);
        json.WriteString("channel", "crm");
        json.WriteStartArray("identifiers");
        identifier.WriteTo(json);
        json.WriteEndArray();
        json.WriteStartObject("properties");
        Span<byte> text = stackalloc byte[Micro.TextBytesMax];
        foreach (var (percent, micro) in Cuts)
        {
            json.WritePropertyName($"{Attribute}_p{percent}");
            json.WriteRawValue(text[..Micro.Format(micro, text)]);
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
