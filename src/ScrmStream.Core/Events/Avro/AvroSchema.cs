using System.Text.Json;

namespace ScrmStream.Events.Avro;

/// <summary>The types of the Avro specification.</summary>
internal enum AvroType : byte { Null, Boolean, Int, Long, Float, Double, Bytes, String, Record, Enum, Fixed, Array, Map, Union }

/// <summary>A schema that cannot be read, or cannot be resolved; the message says why.</summary>
public sealed class AvroSchemaException(string message) : Exception(message);

/// <summary>One field of a record.</summary>
/// <param name="Default">What a reader takes where the writer has no such field; null: there is no default.</param>
internal sealed record AvroField(string Name, AvroSchema Type, string[] Aliases, JsonElement? Default);

/// <summary>
/// One node of a schema. Nodes of named types are shared, and a record may contain itself, so a schema is a graph. Made by
/// <see cref="AvroSchemaReader"/>, not changed afterwards.
/// </summary>
internal sealed class AvroSchema(AvroType type)
{
    public AvroType Type { get; } = type;
    /// <summary>Full name of a record, enum or fixed; else empty.</summary>
    public string Name { get; init; } = "";
    /// <summary>Other full names of a record, enum or fixed, by which a reader knows it.</summary>
    public string[] Aliases { get; init; } = [];
    /// <summary>Of a record, in the order of the bytes.</summary>
    public AvroField[] Fields { get; set; } = [];
    /// <summary>The items of an array, the values of a map, the branches of a union.</summary>
    public AvroSchema[] Parts { get; set; } = [];
    /// <summary>Of an enum.</summary>
    public string[] Symbols { get; init; } = [];
    /// <summary>The enum's symbol for one that the reader does not have; null: none.</summary>
    public string? SymbolDefault { get; init; }
    /// <summary>Bytes of a fixed.</summary>
    public int Size { get; init; }
    /// <summary>The logical type's word, known or not; empty: none.</summary>
    public string Logical { get; init; } = "";

    public bool IsNamed => Type is AvroType.Record or AvroType.Enum or AvroType.Fixed;

    /// <summary>The name without its namespace, which is what resolution compares.</summary>
    public string ShortName => Name[(Name.LastIndexOf('.') + 1)..];

    /// <summary>The text by which messages call it.</summary>
    public string Said => IsNamed ? $"{Type.ToString().ToLowerInvariant()} {Name}" : Type.ToString().ToLowerInvariant();
}
