using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ScrmStream.Pipeline.Leads;

/// <summary>The record of a stage change as JSON in UTF-8 (schemas/changes/README.md is the contract). One thread at a time.</summary>
public sealed class StageChangeJson : IDisposable
{
    private static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Utf8JsonWriter _writer;

    public StageChangeJson(IBufferWriter<byte> destination) => _writer = new Utf8JsonWriter(destination, Format);

    /// <summary>Writes one object, on one line and without a line end.</summary>
    public void Write(in StageChange change)
    {
        _writer.Reset();
        _writer.WriteStartObject();
        _writer.WriteString("id"u8, IdOf(in change));
        _writer.WriteString("customer"u8, change.Customer.ToString());
        _writer.WriteString("pipeline"u8, change.Pipeline);
        _writer.WriteString("type"u8, change.Type);
        _writer.WriteString("lead"u8, change.Lead.Length == 0 ? null : change.Lead);
        _writer.WriteString("stage"u8, change.Stage);
        _writer.WriteString("previous"u8, change.Previous);
        _writer.WriteString("step"u8, change.Step);
        _writer.WriteString("reminder"u8, change.Reminder);
        _writer.WriteNumber("since"u8, change.SinceMs);
        _writer.WriteNumber("events"u8, change.Events);
        _writer.WriteEndObject();
        _writer.Flush();
    }

    public void Dispose() => _writer.Dispose();

    private static string IdOf(in StageChange change) =>
        $"{change.Customer}-{change.SinceMs}-{change.Events}-{change.Pipeline}={change.Stage}{(change.Reminder is { } r ? $"!{r}" : "")}";
}
