using System.Text.Json;

namespace ScrmStream.Events.Avro;

/// <summary>
/// Reads the JSON text of a schema, and of the schemas that it refers to. Strict in what decides how bytes are read (types, names, symbols,
/// sizes); attributes that do not, a logical type that is not valid among them, are taken as they are, as the specification asks.
/// </summary>
internal sealed class AvroSchemaReader
{
    /// <summary>A longer text is refused.</summary>
    public const int TextBytesMax = 1024 * 1024;
    private const int DepthMax = 64;
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 2 * DepthMax };
    private readonly Dictionary<string, AvroSchema> _named = new(StringComparer.Ordinal);

    /// <param name="texts">The schema last; before it, in order of their use, those that it refers to by name.</param>
    /// <exception cref="AvroSchemaException">It is no schema, or too large.</exception>
    public static AvroSchema Read(params ReadOnlySpan<string> texts)
    {
        var reader = new AvroSchemaReader();
        AvroSchema? schema = null;
        foreach (var text in texts) schema = reader.ReadText(text);
        return schema ?? throw new AvroSchemaException("there is no schema");
    }

    private AvroSchema ReadText(string text)
    {
        if (text.Length > TextBytesMax) throw new AvroSchemaException($"the schema has {text.Length} characters, limit {TextBytesMax}");
        try
        {
            using var document = JsonDocument.Parse(text, Options);
            // Defaults are kept, so they must outlive the document.
            return Node(document.RootElement.Clone(), "", 0);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The latter is half of a surrogate pair, which passes as JSON and is no text.
            throw new AvroSchemaException($"the schema is not JSON: {e.Message}");
        }
    }

    private AvroSchema Node(JsonElement json, string space, int depth)
    {
        if (depth > DepthMax) throw new AvroSchemaException($"the schema is nested more than {DepthMax} deep");
        return json.ValueKind switch
        {
            JsonValueKind.String => ByWord(json.GetString()!, space),
            JsonValueKind.Array => Union(json, space, depth),
            JsonValueKind.Object => ByObject(json, space, depth),
            _ => throw new AvroSchemaException("a schema is a name, an object or an array"),
        };
    }

    private AvroSchema ByWord(string word, string space)
    {
        if (Primitive(word) is { } type) return new AvroSchema(type);
        return _named.GetValueOrDefault(FullName(word, space)) ?? _named.GetValueOrDefault(word)
            ?? throw new AvroSchemaException($"the type {word} is not known");
    }

    private AvroSchema Union(JsonElement json, string space, int depth)
    {
        var branches = json.EnumerateArray().Select(branch => Node(branch, space, depth + 1)).ToArray();
        if (Array.Exists(branches, b => b.Type == AvroType.Union)) throw new AvroSchemaException("a union directly holds a union");
        var twice = branches.GroupBy(b => b.Said, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1);
        if (twice is not null) throw new AvroSchemaException($"a union holds {twice.Key} twice");
        return new AvroSchema(AvroType.Union) { Parts = branches };
    }

    private AvroSchema ByObject(JsonElement json, string space, int depth)
    {
        if (!json.TryGetProperty("type", out var type)) throw new AvroSchemaException("a schema has no type");
        // {"type": {"type": "string"}} is the inner schema; writers put attributes around it.
        if (type.ValueKind != JsonValueKind.String) return Node(type, space, depth + 1);
        var logical = Text(json, "logicalType") ?? "";
        switch (type.GetString())
        {
            case "record" or "error": return Record(json, space, depth);
            case "enum": return Enum(json, space);
            case "fixed": return Fixed(json, space, logical);
            case "array": return new AvroSchema(AvroType.Array) { Parts = [Node(Required(json, "items"), space, depth + 1)] };
            case "map": return new AvroSchema(AvroType.Map) { Parts = [Node(Required(json, "values"), space, depth + 1)] };
            case var word when Primitive(word!) is { } primitive: return new AvroSchema(primitive) { Logical = logical };
            case var word: return ByWord(word!, space);
        }
    }

    private AvroSchema Record(JsonElement json, string space, int depth)
    {
        var name = NameOf(json, space);
        var inner = name[..Math.Max(name.LastIndexOf('.'), 0)];
        var record = new AvroSchema(AvroType.Record) { Name = name, Aliases = Aliases(json, inner) };
        Declare(record);
        record.Fields = [.. List(json, "fields").EnumerateArray().Select(field => Field(field, inner, depth + 1))];
        var twice = record.Fields.GroupBy(f => f.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1);
        if (twice is not null) throw new AvroSchemaException($"record {name} has the field {twice.Key} twice");
        return record;
    }

    private AvroField Field(JsonElement json, string space, int depth)
    {
        if (json.ValueKind != JsonValueKind.Object) throw new AvroSchemaException("a field is not an object");
        var name = Text(json, "name") ?? throw new AvroSchemaException("a field has no name");
        var aliases = Strings(json, "aliases");
        JsonElement? byDefault = json.TryGetProperty("default", out var value) ? value : null;
        return new AvroField(name, Node(Required(json, "type"), space, depth), aliases, byDefault);
    }

    private AvroSchema Enum(JsonElement json, string space)
    {
        var name = NameOf(json, space);
        List(json, "symbols");
        var symbols = Strings(json, "symbols");
        if (symbols.Distinct(StringComparer.Ordinal).Count() != symbols.Length)
            throw new AvroSchemaException($"enum {name} has a symbol twice");
        return Declare(new AvroSchema(AvroType.Enum)
        {
            Name = name, Aliases = Aliases(json, name[..Math.Max(name.LastIndexOf('.'), 0)]), Symbols = symbols,
            SymbolDefault = Text(json, "default"),
        });
    }

    private AvroSchema Fixed(JsonElement json, string space, string logical)
    {
        var name = NameOf(json, space);
        if (Required(json, "size") is not { ValueKind: JsonValueKind.Number } size || !size.TryGetInt32(out var bytes) || bytes < 0)
            throw new AvroSchemaException($"fixed {name} has no size");
        return Declare(new AvroSchema(AvroType.Fixed) { Name = name, Size = bytes, Logical = logical });
    }

    private AvroSchema Declare(AvroSchema schema) =>
        _named.TryAdd(schema.Name, schema) ? schema : throw new AvroSchemaException($"the type {schema.Name} is defined twice");

    private static string NameOf(JsonElement json, string space)
    {
        var name = Text(json, "name");
        if (string.IsNullOrEmpty(name)) throw new AvroSchemaException("a record, enum or fixed has no name");
        return FullName(name, Text(json, "namespace") ?? space);
    }

    private static string FullName(string name, string space) => name.Contains('.') || space.Length == 0 ? name : $"{space}.{name}";

    private static string[] Aliases(JsonElement json, string space) => Array.ConvertAll(Strings(json, "aliases"), a => FullName(a, space));

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static JsonElement Required(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) ? value : throw new AvroSchemaException($"a schema lacks {name}");

    private static JsonElement List(JsonElement json, string name) => Required(json, name) is { ValueKind: JsonValueKind.Array } list
        ? list
        : throw new AvroSchemaException($"{name} is not a list");

    private static string[] Strings(JsonElement json, string name)
    {
        if (!json.TryGetProperty(name, out var list) || list.ValueKind != JsonValueKind.Array) return [];
        return [.. list.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String
            ? item.GetString()!
            : throw new AvroSchemaException($"{name} holds what is no text"))];
    }

    private static AvroType? Primitive(string word) => word switch
    {
        "null" => AvroType.Null,
        "boolean" => AvroType.Boolean,
        "int" => AvroType.Int,
        "long" => AvroType.Long,
        "float" => AvroType.Float,
        "double" => AvroType.Double,
        "bytes" => AvroType.Bytes,
        "string" => AvroType.String,
        _ => null,
    };
}
