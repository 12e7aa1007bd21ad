using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ScrmStream.Pipeline;

/// <summary>The record of a tag change as JSON in UTF-8 (schemas/changes/README.md is the contract). One thread at a time.</summary>
public sealed class TagChangeJson : IDisposable
{
    private static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Utf8JsonWriter _writer;
    private readonly ArrayBufferWriter<byte> _id = new(256);

    public TagChangeJson(IBufferWriter<byte> destination) => _writer = new Utf8JsonWriter(destination, Format);

    /// <summary>Writes one object, on one line and without a line end.</summary>
    public void Write(in TagChange change)
    {
        Span<byte> hex = stackalloc byte[32];
        change.Customer.WriteHex(hex);
        _writer.Reset();
        _writer.WriteStartObject();
        _writer.WriteString("id"u8, WriteId(in change, hex));
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

    // customer-since-events-tag=value. The events are in it, for late ones can give and take a tag again and again while the customer's
    // time stands still.
    private ReadOnlySpan<byte> WriteId(in TagChange change, ReadOnlySpan<byte> customer)
    {
        _id.ResetWrittenCount();
        _id.Write(customer);
        Span<byte> number = stackalloc byte[21];
        number[0] = (byte)'-';
        foreach (var part in (ReadOnlySpan<long>)[change.SinceMs, change.Events])
        {
            Utf8Formatter.TryFormat(part, number[1..], out var digits);
            _id.Write(number[..(1 + digits)]);
        }
        _id.Write("-"u8);
        Encoding.UTF8.GetBytes(change.Tag, _id);
        _id.Write("="u8);
        Encoding.UTF8.GetBytes(change.Value, _id);
        return _id.WrittenSpan;
    }
}
