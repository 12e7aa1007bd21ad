using System.Text;
using System.Text.Json;

namespace ScrmStream.Host.Mapping;

/// <summary>Takes the fields that a mapping names out of a JSON object; names joined with dots reach into nested objects.</summary>
internal static class JsonFields
{
    /// <summary>Fills the row with one field per path, empty where there is none; returns why that is not possible, or null.</summary>
    public static string? Take(ReadOnlySpan<byte> json, IReadOnlyList<string> paths, SourceRow row)
    {
        row.Clear();
        try
        {
            var reader = new Utf8JsonReader(json);
            using var document = JsonDocument.ParseValue(ref reader);
            if (reader.BytesConsumed < json.Length && reader.Read()) return "text follows the object";
            if (document.RootElement.ValueKind != JsonValueKind.Object) return "not a JSON object";
            foreach (var path in paths)
            {
                if (Append(document.RootElement, path, row) is { } reason) return reason;
            }
            return null;
        }
        catch (JsonException e)
        {
            return $"not JSON: {e.Message}";
        }
    }

    private static string? Append(JsonElement root, string path, SourceRow row)
    {
        if (Find(root, path) is { } element && element.ValueKind != JsonValueKind.Null)
        {
            if (element.ValueKind is JsonValueKind.Object or JsonValueKind.Array) return $"field {path} is no single value";
            if (Text(element) is not { } text) return $"field {path} holds an escape that is no character";
            row.Append(Encoding.UTF8.GetBytes(text));
        }
        row.EndField();
        return null;
    }

    private static JsonElement? Find(JsonElement element, string path)
    {
        if (element.TryGetProperty(path, out var found)) return found;
        foreach (var name in path.Split('.'))
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element)) return null;
        }
        return element;
    }

    private static string? Text(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.String) return element.GetRawText();
        try
        {
            return element.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
