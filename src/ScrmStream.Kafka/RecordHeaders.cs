using System.Text;
using ScrmStream.Events;

namespace ScrmStream.Kafka;

/// <summary>
/// Reads what a record's headers say of its format: <c>content-type</c>, <c>content-encoding</c>, <c>__value_schema_id</c>.
/// </summary>
internal static unsafe class RecordHeaders
{
    private static readonly byte[] ContentType = Name("content-type"), ContentEncoding = Name("content-encoding");
    private static readonly byte[] ValueSchemaId = Name("__value_schema_id");

    /// <param name="headers">Of a message; 0: it has none.</param>
    /// <param name="schema">The frame that names the schema; empty when no header has it.</param>
    /// <returns>What the headers say; unknown where they say nothing.</returns>
    public static RecordHints Read(nint headers, out ReadOnlySpan<byte> schema)
    {
        schema = default;
        if (headers == 0) return default;
        schema = Value(headers, ValueSchemaId);
        // Longer than any frame is none: without it the value says what it is.
        if (schema.Length is not (5 or 17)) schema = default;
        var type = Value(headers, ContentType);
        var encoding = Value(headers, ContentEncoding);
        return new RecordHints(
            type.IsEmpty ? RecordFormat.Unknown : RecordHints.FormatOf(type),
            encoding.IsEmpty ? RecordPacking.Unknown : RecordHints.PackingOf(encoding));
    }

    private static ReadOnlySpan<byte> Value(nint headers, byte[] name)
    {
        byte* value;
        nuint length;
        fixed (byte* text = name)
        {
            return NativeKafka.LastHeader(headers, text, &value, &length) == NativeKafka.NoError && value is not null
                ? new ReadOnlySpan<byte>(value, (int)length)
                : default;
        }
    }

    private static byte[] Name(string name) => Encoding.UTF8.GetBytes(name + "\0");
}
