using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace ScrmStream.Events.Avro;

/// <content>Identifiers and properties: what comes in blocks.</content>
public sealed partial class AvroEventDecoder
{
    private const int NumberBytesMax = 32;

    private bool Identifiers(int steps, int itemNode, ref TrackingEvent e, ref AvroCursor cursor)
    {
        var bytesMin = _plan.Skips[itemNode].BytesMin;
        while (true)
        {
            if (!cursor.TryBlock(bytesMin, out var count, out var bytes)) return BadBlock("identifiers");
            if (count == 0) return true;
            // Before the first is read: items of no bytes can be as many as a number can say.
            if (count > _identifiersMax - e.NamedIdentifiers)
                return Refuse(RejectReason.LimitExceeded, $"more than {_identifiersMax} identifiers");
            var end = cursor.At + bytes;
            for (; count > 0; count--)
            {
                if (!Identifier(steps, ref e, ref cursor)) return false;
            }
            if (bytes >= 0 && cursor.At != end) return BadBlock("identifiers");
        }
    }

    private bool Identifier(int steps, ref TrackingEvent e, ref AvroCursor cursor)
    {
        var named = NoIdentifier;
        if (!Run(ref e, ref Unsafe.As<NamedIdentifier, byte>(ref named), steps, ref cursor)) return false;
        e.NamedIdentifiers++;
        var usable = IdentifierKinds.TryParse(_batch.Text(named.Kind), out var kind) && named.Value.Length > 0
            && !_batch.Text(named.Scope).Contains((byte)':');
        if (!usable)
        {
            _batch.DroppedIdentifiers++;
            return true;
        }
        _batch.AddIdentifier(kind, _batch.StoredText(kind, named.Scope, named.Value), named.Verified);
        return true;
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
            if ((entries += count) > _propertiesMax) return Refuse(RejectReason.LimitExceeded, $"more than {_propertiesMax} properties");
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
        if (!cursor.TryTake(out var start, out var length)) return CutOff("properties");
        if (length > _keyBytesMax) return TooLong("a property's name", length, _keyBytesMax);
        if (!Utf8Text.IsValid(cursor.Last(length))) return Malformed("a property's name is not valid UTF-8");
        ref var property = ref _batch.NextProperty(new TextRange(_start + start, length));
        var branch = 0L;
        if (values.IsUnion && (!cursor.TryLong(out branch) || (ulong)branch >= (ulong)values.Kinds.Length))
            return Malformed("a property names no branch of its union");
        var kind = values.Kinds[branch];
        if (!Value(kind, ref property, ref cursor)) return false;
        if (kind == AvroValueKind.Null || _batch.TryAccept(e.FirstProperty, _propertiesMax)) return true;
        return Refuse(RejectReason.LimitExceeded, $"more than {_propertiesMax} properties");
    }

    private bool Value(AvroValueKind kind, ref EventProperty property, ref AvroCursor cursor)
    {
        switch (kind)
        {
            case AvroValueKind.Text:
                if (!cursor.TryTake(out var start, out var length)) return CutOff("properties");
                if (length > _valueBytesMax) return TooLong("a property", length, _valueBytesMax);
                property.Text = new TextRange(_start + start, length);
                return Utf8Text.IsValid(cursor.Last(length)) || Malformed("a property is not valid UTF-8");
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
                return Refuse(RejectReason.NotDecodable, $"property {TextOf(property.Name)} is neither text nor a number nor a boolean");
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
        if (!double.IsFinite(value)) return Refuse(RejectReason.NotDecodable, $"property {TextOf(property.Name)} is no finite number");
        (property.Type, property.Double) = (PropertyType.Double, value);
        property.Text = NumberText(value);
        return true;
    }

    // The shortest text that reads back as the same number.
    private TextRange NumberText<T>(T number) where T : IUtf8SpanFormattable
    {
        var start = _batch.Records.Reserve(NumberBytesMax);
        number.TryFormat(_batch.Buffer.AsSpan(start, NumberBytesMax), out var length, default, CultureInfo.InvariantCulture);
        _batch.Records.Return(NumberBytesMax - length);
        return new TextRange(start, length);
    }

    private string TextOf(TextRange text) => Encoding.UTF8.GetString(_batch.Text(text));

    private bool BadBlock(string field) => Malformed($"field {field} has a block of wrong size");

    private bool BadProperty() => Malformed("a property is no value of its type, or is cut off");
}
