using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline;

/// <summary>The record of an identity change as JSON in UTF-8 (schemas/changes/README.md is the contract). One thread at a time.</summary>
public sealed class IdentityChangeJson : IDisposable
{
    private static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Utf8JsonWriter _writer;

    public IdentityChangeJson(IBufferWriter<byte> destination) => _writer = new Utf8JsonWriter(destination, Format);

    /// <summary>Writes one object, on one line and without a line end.</summary>
    public void Write(in IdentityChange change)
    {
        Span<byte> hex = stackalloc byte[32];
        var mapping = change.Mapping;
        _writer.Reset();
        _writer.WriteStartObject();
        _writer.WriteString("id"u8, IdOf(mapping));
        mapping.Identifier.WriteHex(hex);
        _writer.WriteString("identifier"u8, hex);
        _writer.WriteString("text"u8, mapping.Text.Span);
        WriteCustomer("customer"u8, mapping.Customer, hex);
        if (change.HasPrevious) WriteCustomer("previous"u8, change.Previous, hex);
        _writer.WriteNumber("version"u8, mapping.Version);
        _writer.WriteNumber("known_at"u8, mapping.KnownAtMs);
        _writer.WriteEndObject();
        _writer.Flush();
    }

    public void Dispose() => _writer.Dispose();

    // What makes two records the same: a repeat after a crash has another time, and does not know the customer before.
    private static string IdOf(in IdentityMapping mapping) =>
        $"{mapping.Identifier}-{mapping.Version}-{mapping.Customer?.ToString() ?? "nobody"}";

    private void WriteCustomer(ReadOnlySpan<byte> name, IdentifierId? customer, Span<byte> hex)
    {
        if (customer is not { } id)
        {
            _writer.WriteNull(name);
            return;
        }
        id.WriteHex(hex);
        _writer.WriteString(name, hex);
    }
}
