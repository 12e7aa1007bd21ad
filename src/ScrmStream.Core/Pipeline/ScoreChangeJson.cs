using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ScrmStream.Pipeline;

/// <summary>The record of a crossed grade as JSON in UTF-8 (schemas/changes/README.md is the contract). One thread at a time.</summary>
public sealed class ScoreChangeJson : IDisposable
{
    private static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Utf8JsonWriter _writer;

    public ScoreChangeJson(IBufferWriter<byte> destination) => _writer = new Utf8JsonWriter(destination, Format);

    /// <summary>Writes one object, on one line and without a line end.</summary>
    public void Write(in ScoreChange change)
    {
        Span<byte> hex = stackalloc byte[32];
        change.Customer.WriteHex(hex);
        _writer.Reset();
        _writer.WriteStartObject();
        _writer.WriteString("id"u8, $"{change.Customer}-{change.SinceMs}-{change.Events}-{change.Score}={change.Grade}");
        _writer.WriteString("customer"u8, hex);
        _writer.WriteString("score"u8, change.Score);
        _writer.WriteNumber("value"u8, change.ValueMicro / 1_000_000m);
        _writer.WriteString("grade"u8, change.Grade);
        _writer.WriteString("previous"u8, change.Previous);
        _writer.WriteNumber("since"u8, change.SinceMs);
        _writer.WriteNumber("events"u8, change.Events);
        _writer.WriteEndObject();
        _writer.Flush();
    }

    public void Dispose() => _writer.Dispose();
}
