using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ScrmStream.Identity;
using ScrmStream.Pipeline.Leads;

namespace ScrmStream.Pipeline;

/// <summary>
/// Records of changes and actions as JSON in UTF-8 (schemas/changes/README.md is the contract): each one object, on one line and without a
/// line end. One thread at a time.
/// </summary>
public sealed class ChangeJson(IBufferWriter<byte> destination) : IDisposable
{
    private const int HexDigits = 32;
    private static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Utf8JsonWriter _writer = new(destination, Format);
    private readonly ArrayBufferWriter<byte> _id = new(256);

    public void Write(in TagChange change)
    {
        Begin(IdOf(change.Customer, change.SinceMs, change.Events, change.Tag, change.Value));
        WriteId("customer"u8, change.Customer);
        _writer.WriteString("tag"u8, change.Tag);
        _writer.WriteString("value"u8, change.Value);
        _writer.WriteString("previous"u8, change.Previous);
        _writer.WriteNumber("since"u8, change.SinceMs);
        _writer.WriteNumber("events"u8, change.Events);
        End(change.Rules);
    }

    public void Write(in ScoreChange change)
    {
        Begin(IdOf(change.Customer, change.SinceMs, change.Events, change.Score, change.Grade));
        WriteId("customer"u8, change.Customer);
        _writer.WriteString("score"u8, change.Score);
        _writer.WriteNumber("value"u8, change.ValueMicro / 1_000_000m);
        _writer.WriteString("grade"u8, change.Grade);
        _writer.WriteString("previous"u8, change.Previous);
        _writer.WriteNumber("since"u8, change.SinceMs);
        _writer.WriteNumber("events"u8, change.Events);
        End(change.Rules);
    }

    public void Write(in StageChange change)
    {
        Begin(IdOf(change.Customer, change.SinceMs, change.Events, change.Pipeline, change.Stage, change.Reminder));
        WriteId("customer"u8, change.Customer);
        _writer.WriteString("pipeline"u8, change.Pipeline);
        _writer.WriteString("type"u8, change.Type);
        _writer.WriteString("lead"u8, change.Lead.Length == 0 ? null : change.Lead);
        _writer.WriteString("stage"u8, change.Stage);
        _writer.WriteString("previous"u8, change.Previous);
        _writer.WriteString("step"u8, change.Step);
        _writer.WriteString("reminder"u8, change.Reminder);
        _writer.WriteNumber("since"u8, change.SinceMs);
        _writer.WriteNumber("events"u8, change.Events);
        End(change.Rules);
    }

    public void Write(in CustomerAction action)
    {
        Begin(IdOf(in action));
        WriteId("customer"u8, action.Customer);
        _writer.WriteString("action"u8, action.Action);
        _writer.WriteString("to"u8, action.IsForStaff ? "staff"u8 : "customer"u8);
        _writer.WriteString("outcome"u8, action.Outcome);
        _writer.WriteString("reason"u8, action.IsSent ? null : action.Reason);
        _writer.WriteNumber("at"u8, action.AtMs);
        _writer.WriteNumber("decided"u8, action.DecidedMs);
        End(action.Rules);
    }

    public void Write(in IdentityChange change)
    {
        var mapping = change.Mapping;
        Begin(IdOf(in mapping));
        WriteId("identifier"u8, mapping.Identifier);
        _writer.WriteString("text"u8, mapping.Text.Span);
        WriteId("customer"u8, mapping.Customer);
        if (change.HasPrevious) WriteId("previous"u8, change.Previous);
        _writer.WriteNumber("version"u8, mapping.Version);
        _writer.WriteNumber("known_at"u8, mapping.KnownAtMs);
        End();
    }

    public void Dispose() => _writer.Dispose();

    private void Begin(ReadOnlySpan<byte> id)
    {
        _writer.Reset();
        _writer.WriteStartObject();
        _writer.WriteString("id"u8, id);
    }

    private void End(string? rules = null)
    {
        if (rules is not null) _writer.WriteString("rules"u8, rules);
        _writer.WriteEndObject();
        _writer.Flush();
    }

    private void WriteId(ReadOnlySpan<byte> name, IdentifierId? id)
    {
        if (id is not { } known)
        {
            _writer.WriteNull(name);
            return;
        }
        Span<byte> hex = stackalloc byte[HexDigits];
        known.WriteHex(hex);
        _writer.WriteString(name, hex);
    }

    // customer-since-events-name=value, and !reminder. The events are in it, for late ones can give and take a tag again and again while
    // the customer's time stands still.
    private ReadOnlySpan<byte> IdOf(
        IdentifierId customer, long sinceMs, long events, string name, string? value, string? reminder = null)
    {
        Start(customer).Add("-"u8).Add(sinceMs).Add("-"u8).Add(events).Add("-"u8).Add(name).Add("="u8).Add(value);
        if (reminder is not null) Add("!"u8).Add(reminder);
        return _id.WrittenSpan;
    }

    // customer-moment-action names an occurrence, whatever became of it.
    private ReadOnlySpan<byte> IdOf(in CustomerAction action) =>
        Start(action.Customer).Add("-"u8).Add(action.AtMs).Add("-"u8).Add(action.Action)._id.WrittenSpan;

    // identifier-version-customer. A repeat after a crash has another time, and does not know the customer before.
    private ReadOnlySpan<byte> IdOf(in IdentityMapping mapping)
    {
        Start(mapping.Identifier).Add("-"u8).Add(mapping.Version).Add("-"u8);
        return (mapping.Customer is { } customer ? Add(customer) : Add("nobody"u8))._id.WrittenSpan;
    }

    private ChangeJson Start(IdentifierId id)
    {
        _id.ResetWrittenCount();
        return Add(id);
    }

    private ChangeJson Add(IdentifierId id)
    {
        id.WriteHex(_id.GetSpan(HexDigits)[..HexDigits]);
        _id.Advance(HexDigits);
        return this;
    }

    private ChangeJson Add<T>(T number) where T : struct, IUtf8SpanFormattable
    {
        const int DigitsMax = 20;
        number.TryFormat(_id.GetSpan(DigitsMax), out var digits, default, CultureInfo.InvariantCulture);
        _id.Advance(digits);
        return this;
    }

    private ChangeJson Add(ReadOnlySpan<byte> text)
    {
        _id.Write(text);
        return this;
    }

    private ChangeJson Add(string? text)
    {
        Encoding.UTF8.GetBytes(text ?? "", _id);
        return this;
    }
}
