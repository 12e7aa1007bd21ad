using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ScrmStream.Pipeline;

/// <summary>The record of an action as JSON in UTF-8 (schemas/changes/README.md is the contract). One thread at a time.</summary>
public sealed class ActionJson : IDisposable
{
    private static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Utf8JsonWriter _writer;

    public ActionJson(IBufferWriter<byte> destination) => _writer = new Utf8JsonWriter(destination, Format);

    /// <summary>The word for what became of an action.</summary>
    public static string OutcomeOf(in CustomerAction action) => action.IsSent ? "sent" : "suppressed";

    /// <summary>Names an occurrence: rule, customer and moment. A repeat has the same.</summary>
    public static string IdOf(in CustomerAction action) => $"{action.Customer}-{action.AtMs}-{action.Action}";

    /// <summary>Writes one object, on one line and without a line end.</summary>
    public void Write(in CustomerAction action)
    {
        Span<byte> hex = stackalloc byte[32];
        action.Customer.WriteHex(hex);
        _writer.Reset();
        _writer.WriteStartObject();
        _writer.WriteString("id"u8, IdOf(in action));
        _writer.WriteString("customer"u8, hex);
        _writer.WriteString("action"u8, action.Action);
        _writer.WriteString("to"u8, action.IsForStaff ? "staff"u8 : "customer"u8);
        _writer.WriteString("outcome"u8, OutcomeOf(in action));
        _writer.WriteString("reason"u8, action.IsSent ? null : action.Reason);
        _writer.WriteNumber("at"u8, action.AtMs);
        _writer.WriteNumber("decided"u8, action.DecidedMs);
        _writer.WriteEndObject();
        _writer.Flush();
    }

    public void Dispose() => _writer.Dispose();
}
