using System.Text.Json;
using ScrmStream.Events.Avro;

namespace ScrmStream.Kafka.Schemas;

/// <summary>What a registry answers to the question for a schema.</summary>
/// <param name="References">Subject and version of each schema that it refers to.</param>
internal sealed record SchemaAnswer(SchemaLanguage Language, string Text, (string Subject, int Version)[] References)
{
    private const int SubjectNotFound = 40401, VersionNotFound = 40402, SchemaNotFound = 40403;

    /// <exception cref="JsonException">It is no answer of a registry.</exception>
    public static SchemaAnswer Read(ReadOnlyMemory<byte> body)
    {
        using var document = JsonDocument.Parse(body);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("schema", out var schema)
            || schema.ValueKind != JsonValueKind.String)
            throw new JsonException("the answer holds no schema");
        var language = !root.TryGetProperty("schemaType", out var type) || type.ValueKind != JsonValueKind.String
            ? SchemaLanguage.Avro
            : type.GetString() switch { "AVRO" => SchemaLanguage.Avro, "JSON" => SchemaLanguage.Json, _ => SchemaLanguage.Foreign };
        return new SchemaAnswer(language, schema.GetString()!, ReadReferences(root));
    }

    /// <summary>A registry's own words for "there is none".</summary>
    public static bool SaysNotFound(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("error_code", out var code) && code.TryGetInt32(out var number)
                && number is SubjectNotFound or VersionNotFound or SchemaNotFound;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The latter: a code that is no number.
            return false;
        }
    }

    private static (string, int)[] ReadReferences(JsonElement root)
    {
        if (!root.TryGetProperty("references", out var list) || list.ValueKind != JsonValueKind.Array) return [];
        return [.. list.EnumerateArray().Select(reference =>
            reference.ValueKind == JsonValueKind.Object
            && reference.TryGetProperty("subject", out var subject) && subject.ValueKind == JsonValueKind.String
            && reference.TryGetProperty("version", out var version) && version.TryGetInt32(out var number)
                ? (subject.GetString()!, number)
                : throw new JsonException("a reference of the schema has no subject or version"))];
    }
}
