using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ScrmStream.Pipeline;

/// <summary>The record of a tag change as JSON in UTF-8 (schemas/changes/README.md is the contract). One thread at a time.</summary>
public sealed class TagChangeJson : IDisposable
{
    private static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Utf8JsonWriter _writer;

    public TagChangeJson(IBufferWriter<byte> destination) => _writer = new Utf8JsonWriter(destination, Format);

    /// <summary>Writes one object, on one line and without a line end.</summary>
    public void Write(in TagChange change)
    {
        Span<byte> hex = stackalloc byte[32];
        change.Customer.WriteHex(hex);
        _writer.Reset();
        _writer.WriteStartObject();
        _writer.WriteString("id"u8, IdOf(in change));
        _writer.WriteString("customer"u8, hex);
        _writer.WriteString("tag"u8, change.Tag);
        _writer.WriteString("value"u8, change.Value);
        _writer.WriteString("previous"u8, change.Previous);
        _writer.WriteNumber("since"u8, change.SinceMs);
        _writer.WriteNumber("events"u8, change.Events);
        _writer.WriteEndObject();
        _writer.Flush();
    }

    public void Dispose() => _writer.Dispose();

    // The events are in it, for late ones can give and take a tag again and again while the customer's time stands still.
    private static string IdOf(in TagChange change) =>
        $"{change.Customer}-{change.SinceMs}-{change.Events}-{change.Tag}={change.Value}";
}
