using System.Text;

namespace ScrmStream.Events.Avro;

/// <summary>
/// The parsing canonical form of a schema and its CRC-64-AVRO fingerprint, by which single-object encoding names schemas.
/// </summary>
internal static class AvroFingerprint
{
    private const ulong Empty = 0xc15d213aa4d7a795;
    private static readonly ulong[] Table = MakeTable();

    public static ulong Of(AvroSchema schema) => Of(Encoding.UTF8.GetBytes(CanonicalForm(schema)));

    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        var fingerprint = Empty;
        foreach (var b in bytes) fingerprint = (fingerprint >> 8) ^ Table[(int)((fingerprint ^ b) & 0xff)];
        return fingerprint;
    }

    /// <summary>
    /// Only what decides how bytes are read, without spaces, names in full; a named type is written out where it is first met.
    /// </summary>
    public static string CanonicalForm(AvroSchema schema)
    {
        var form = new StringBuilder();
        Append(form, schema, new HashSet<string>(StringComparer.Ordinal));
        return form.ToString();
    }

    private static void Append(StringBuilder form, AvroSchema schema, HashSet<string> written)
    {
        if (schema.IsNamed) AppendNamed(form, schema, written);
        else if (schema.Type == AvroType.Union)
        {
            form.Append('[');
            for (var i = 0; i < schema.Parts.Length; i++)
            {
                if (i > 0) form.Append(',');
                Append(form, schema.Parts[i], written);
            }
            form.Append(']');
        }
        else if (schema.Type is AvroType.Array or AvroType.Map)
        {
            form.Append(schema.Type == AvroType.Array ? "{\"type\":\"array\",\"items\":" : "{\"type\":\"map\",\"values\":");
            Append(form, schema.Parts[0], written);
            form.Append('}');
        }
        else form.Append('"').Append(schema.Said).Append('"');
    }

    private static void AppendNamed(StringBuilder form, AvroSchema schema, HashSet<string> written)
    {
        if (!written.Add(schema.Name))
        {
            form.Append('"').Append(schema.Name).Append('"');
            return;
        }
        var type = schema.Type.ToString().ToLowerInvariant();
        form.Append("{\"name\":\"").Append(schema.Name).Append("\",\"type\":\"").Append(type).Append('"');
        if (schema.Type == AvroType.Fixed) form.Append(",\"size\":").Append(schema.Size);
        else if (schema.Type == AvroType.Enum)
            form.Append(",\"symbols\":[").AppendJoin(',', schema.Symbols.Select(s => $"\"{s}\"")).Append(']');
        else AppendFields(form, schema, written);
        form.Append('}');
    }

    private static void AppendFields(StringBuilder form, AvroSchema schema, HashSet<string> written)
    {
        form.Append(",\"fields\":[");
        for (var i = 0; i < schema.Fields.Length; i++)
        {
            form.Append(i > 0 ? ",{\"name\":\"" : "{\"name\":\"").Append(schema.Fields[i].Name).Append("\",\"type\":");
            Append(form, schema.Fields[i].Type, written);
            form.Append('}');
        }
        form.Append(']');
    }

    private static ulong[] MakeTable()
    {
        var table = new ulong[256];
        for (var i = 0; i < table.Length; i++)
        {
            var entry = (ulong)i;
            for (var bit = 0; bit < 8; bit++) entry = (entry >> 1) ^ (Empty & (0 - (entry & 1)));
            table[i] = entry;
        }
        return table;
    }
}
