using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace ScrmStream.Events;

/// <content>The properties of an event: those under their name, and every field that the schema does not name.</content>
public sealed partial class JsonEventDecoder
{
    private void ReadProperties(ref Utf8JsonReader reader, int first, ref Fault fault)
    {
        if (!EnterObject(ref reader, "properties", ref fault)) return;
        while (NextName(ref reader, ref fault)) ReadProperty(ref reader, TextRange.Absent, first, ref fault);
    }

    // A named value, in the properties or outside of them: what an object holds is named after it, as in "outer.inner".
    private void ReadProperty(ref Utf8JsonReader reader, TextRange outer, int first, ref Fault fault)
    {
        // NextName has shown that it can be taken.
        TryTakeText(ref reader, out var name);
        reader.Read();
        if (fault.Found || reader.TokenType == JsonTokenType.Null)
        {
            reader.Skip();
            return;
        }
        if (outer.IsPresent) name = Joined(outer, name);
        if (name.Length > limits.KeyBytesMax)
            fault.Set(RejectReason.LimitExceeded, $"a property's name has {name.Length} bytes, limit {limits.KeyBytesMax}");
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            // As deep as JSON may be nested, which the reader bounds.
            while (NextName(ref reader, ref fault)) ReadProperty(ref reader, name, first, ref fault);
            return;
        }
        if (!ReadValue(ref reader, name, out var property))
            fault.Set(RejectReason.NotDecodable, $"property {Encoding.UTF8.GetString(_batch.Text(name))} is no number or text that can be kept");
        else if (property.Text.Length > limits.ValueBytesMax)
            fault.Set(RejectReason.LimitExceeded, $"a property has {property.Text.Length} bytes, limit {limits.ValueBytesMax}");
        else SetProperty(in property, first, ref fault);
    }

    private bool ReadValue(ref Utf8JsonReader reader, TextRange name, out EventProperty property)
    {
        property = new EventProperty { Name = name };
        var start = (int)reader.TokenStartIndex;
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                return TryTakeText(ref reader, out property.Text);
            case JsonTokenType.True or JsonTokenType.False:
                property.Type = PropertyType.Boolean;
                property.Long = reader.TokenType == JsonTokenType.True ? 1 : 0;
                property.Double = property.Long;
                break;
            case JsonTokenType.Number when reader.TryGetInt64(out property.Long):
                property.Type = PropertyType.Long;
                property.Double = property.Long;
                break;
            case JsonTokenType.Number:
                property.Type = PropertyType.Double;
                // A number beyond a double's range reads as infinity, which no comparison or sum can use.
                if (!Utf8Parser.TryParse(reader.ValueSpan, out property.Double, out _) || !double.IsFinite(property.Double)) return false;
                break;
            default:
                // A list has no single value: its JSON is kept as text.
                reader.Skip();
                break;
        }
        property.Text = new TextRange(_recordStart + start, (int)reader.BytesConsumed - start);
        return true;
    }

    // Of two properties of one name the later wins, as in JSON readers everywhere.
    private void SetProperty(in EventProperty property, int first, ref Fault fault)
    {
        var name = _batch.Text(property.Name);
        for (var i = first; i < _batch.PropertyCount; i++)
        {
            if (!name.SequenceEqual(_batch.Text(_batch.Properties[i].Name))) continue;
            _batch.Properties[i] = property;
            return;
        }
        if (_batch.PropertyCount - first < limits.PropertiesMax) _batch.Add(in property);
        else fault.Set(RejectReason.LimitExceeded, $"more than {limits.PropertiesMax} properties");
    }

    private TextRange Copied(ReadOnlySpan<byte> text)
    {
        var copy = new TextRange(_batch.Records.Reserve(text.Length), text.Length);
        text.CopyTo(_batch.Buffer.AsSpan(copy.Start));
        return copy;
    }

    private TextRange Joined(TextRange outer, TextRange inner)
    {
        var joined = new TextRange(_batch.Records.Reserve(outer.Length + 1 + inner.Length), outer.Length + 1 + inner.Length);
        var text = _batch.Buffer.AsSpan(joined.Start, joined.Length);
        _batch.Text(outer).CopyTo(text);
        text[outer.Length] = (byte)'.';
        _batch.Text(inner).CopyTo(text[(outer.Length + 1)..]);
        return joined;
    }
}
