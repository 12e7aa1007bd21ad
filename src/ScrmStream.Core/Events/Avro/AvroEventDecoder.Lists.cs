using System.Runtime.CompilerServices;
using System.Text;

namespace ScrmStream.Events.Avro;

/// <content>Identifiers and properties: what comes in blocks.</content>
public sealed partial class AvroEventDecoder
{
    private bool Identifiers(ref readonly AvroStep step, ref TrackingEvent e, ref AvroCursor cursor)
    {
        var bytesMin = _plan.Skips[step.Max].BytesMin;
        while (true)
        {
            if (!cursor.TryBlock(bytesMin, out var count, out var bytes)) return BadBlock("identifiers");
            if (count == 0) return true;
            // Before the first is read: items of no bytes can be as many as a number can say.
            if (count > _identifiersMax - e.NamedIdentifiers) return TooMany(_identifiersMax, "identifiers");
            var end = cursor.At + bytes;
            for (; count > 0; count--)
            {
                if (_plan.HasPlainIdentifiers && PlainIdentifier(ref e, ref cursor)) continue;
                if (!Identifier(step.Argument, ref e, ref cursor)) return false;
            }
            if (bytes >= 0 && cursor.At != end) return BadBlock("identifiers");
        }
    }

    // As nearly all writers have it: kind, scope, value, verified. False, and nothing is read, when anything is wrong: its steps say what.
    private bool PlainIdentifier(ref TrackingEvent e, ref AvroCursor cursor)
    {
        var here = cursor;
        if (!here.TryTake(out var kind) || kind.Length > _keyBytesMax || !here.IsUtf8(kind)) return false;
        if (!here.TryTake(out var scope) || scope.Length > _identifierBytesMax || !here.IsUtf8(scope)) return false;
        if (!here.TryTake(out var value) || value.Length > _identifierBytesMax || !here.IsUtf8(value)) return false;
        if (!here.TryByte(out var verified) || verified > 1) return false;
        cursor.At = here.At;
        Named(kind, scope, value, verified != 0, ref e);
        return true;
    }

    private bool Identifier(int steps, ref TrackingEvent e, ref AvroCursor cursor)
    {
        var named = NoIdentifier;
        if (!Run(ref e, ref Unsafe.As<NamedIdentifier, byte>(ref named), steps, ref cursor)) return false;
        Named(named.Kind, named.Scope, named.Value, named.Verified, ref e);
        return true;
    }

    private void Named(TextRange kind, TextRange scope, TextRange value, bool isVerified, ref TrackingEvent e)
    {
        e.NamedIdentifiers++;
        var usable = IdentifierKinds.TryParse(_batch.Text(kind), out var known) && value.Length > 0 && !_batch.HasColon(scope);
        if (usable) _batch.AddIdentifier(known, _batch.StoredText(known, scope, value), isVerified);
        else _batch.DroppedIdentifiers++;
    }

    private bool Properties(AvroValues values, int valueNode, ref TrackingEvent e, ref AvroCursor cursor)
    {
        // The name takes at least one byte, so the number of entries is bounded by the bytes that are left.
        var bytesMin = 1 + _plan.Skips[valueNode].BytesMin;
        var entries = 0L;
        while (true)
        {
            if (!cursor.TryBlock(bytesMin, out var count, out var bytes)) return BadBlock("properties");
            if (count == 0) return true;
            // Entries, not names: a name that comes again costs as much as another one.
            if ((entries += count) > _propertiesMax) return TooMany(_propertiesMax, "properties");
            var end = cursor.At + bytes;
            for (; count > 0; count--)
            {
                if (!Property(values, ref e, ref cursor)) return false;
            }
            if (bytes >= 0 && cursor.At != end) return BadBlock("properties");
        }
    }

    private bool Property(AvroValues values, ref TrackingEvent e, ref AvroCursor cursor)
    {
        var here = cursor;
        if (!here.TryTake(out var name)) return CutOff("properties");
        if (name.Length > _keyBytesMax) return TooLong("a property's name", name.Length, _keyBytesMax);
        if (!here.IsUtf8(name)) return Malformed("a property's name is not valid UTF-8");
        var branch = 0L;
        if (values.IsUnion && (!here.TryLong(out branch) || (ulong)branch >= (ulong)values.Kinds.Length))
            return Malformed("a property names no branch of its union");
        var kind = values.Kinds[branch];
        ref var property = ref _batch.NextProperty(name);
        if (kind == AvroValueKind.Text)
        {
            if (!here.TryTake(out var text)) return CutOff("properties");
            if (text.Length > _valueBytesMax) return TooLong("a property", text.Length, _valueBytesMax);
            if (!here.IsUtf8(text)) return Malformed("a property is not valid UTF-8");
            property.Text = text;
            cursor.At = here.At;
        }
        else
        {
            cursor.At = here.At;
            if (!Value(kind, ref property, ref cursor)) return false;
            if (kind == AvroValueKind.Null) return true;
        }
        return _batch.TryAccept(e.FirstProperty, _propertiesMax) || TooMany(_propertiesMax, "properties");
    }

    // Of any kind but a text.
    private bool Value(AvroValueKind kind, ref EventProperty property, ref AvroCursor cursor)
    {
        switch (kind)
        {
            case AvroValueKind.Int or AvroValueKind.Long:
                var isNumber = kind == AvroValueKind.Int ? cursor.TryInt(out property.Long) : cursor.TryLong(out property.Long);
                if (!isNumber) return BadProperty();
                (property.Type, property.Double) = (PropertyType.Long, property.Long);
                property.Text = NumberText(property.Long);
                return true;
            case AvroValueKind.Boolean:
                if (!cursor.TryByte(out var flag) || flag > 1) return BadProperty();
                (property.Type, property.Long, property.Double) = (PropertyType.Boolean, flag, flag);
                property.Text = _batch.Copied(flag != 0 ? "true"u8 : "false"u8);
                return true;
            case AvroValueKind.Null:
                return true;
            case AvroValueKind.Unusable:
                return NotKept(property.Name, "is neither text nor a number nor a boolean");
            default:
                return Double(kind, ref property, ref cursor);
        }
    }

    private bool Double(AvroValueKind kind, ref EventProperty property, ref AvroCursor cursor)
    {
        var value = 0d;
        var number = 0L;
        var has = kind switch
        {
            AvroValueKind.Float => cursor.TryFloat(out value),
            AvroValueKind.Double => cursor.TryDouble(out value),
            AvroValueKind.IntAsDouble => cursor.TryInt(out number),
            _ => cursor.TryLong(out number),
        };
        if (!has) return BadProperty();
        if (kind is AvroValueKind.IntAsDouble or AvroValueKind.LongAsDouble) value = number;
        // No comparison or sum can use it.
        if (!double.IsFinite(value)) return NotKept(property.Name, "is no finite number");
        (property.Type, property.Double) = (PropertyType.Double, value);
        property.Text = NumberText(value);
        return true;
    }

    private TextRange NumberText(long number)
    {
        var start = _batch.Records.Reserve(NumberTexts.BytesMax);
        return Kept(start, NumberTexts.Write(number, _batch.Buffer.AsSpan(start, NumberTexts.BytesMax)));
    }

    private TextRange NumberText(double number)
    {
        var start = _batch.Records.Reserve(NumberTexts.BytesMax);
        return Kept(start, NumberTexts.Write(number, _batch.Buffer.AsSpan(start, NumberTexts.BytesMax)));
    }

    private TextRange Kept(int start, int length)
    {
        _batch.Records.Return(NumberTexts.BytesMax - length);
        return new TextRange(start, length);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool NotKept(TextRange name, string why) =>
        Refuse(RejectReason.NotDecodable, $"property {Encoding.UTF8.GetString(_batch.Text(name))} {why}");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool BadBlock(string field) => Malformed($"field {field} has a block of wrong size");

    private bool BadProperty() => Malformed("a property is no value of its type, or is cut off");
}
