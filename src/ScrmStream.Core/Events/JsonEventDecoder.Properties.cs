using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;

namespace ScrmStream.Events;

/// <content>The properties of an event: those under their name, and every field that the schema does not name.</content>
public sealed partial class JsonEventDecoder
{
    private void ReadProperties(ref JsonScanner json, int first, ref EventFault fault)
    {
        if (!EnterObject(ref json, "properties", ref fault)) return;
        while (NextName(ref json, out var name, ref fault)) ReadProperty(ref json, TextRange.Absent, name, first, ref fault);
    }

    // A named value, in the properties or outside of them: what an object holds is named after it, as in "outer.inner".
    private void ReadProperty(ref JsonScanner json, TextRange outer, TextRange name, int first, ref EventFault fault)
    {
        if (!json.TryReadPlain()) json.Read();
        if (fault.Found || json.Token == JsonToken.Null)
        {
            json.Skip();
            return;
        }
        if (outer.IsPresent) name = Joined(outer, name);
        if (name.Length > limits.KeyBytesMax) fault.SetTooLong("a property's name", name.Length, limits.KeyBytesMax);
        if (json.Token == JsonToken.StartObject)
        {
            // As deep as JSON may be nested, which the scanner bounds.
            while (NextName(ref json, out var inner, ref fault)) ReadProperty(ref json, name, inner, first, ref fault);
            return;
        }
        ref var property = ref _batch.NextProperty(name);
        if (!ReadValue(ref json, ref property)) NotKept(name, ref fault);
        else if (property.Text.Length > limits.ValueBytesMax) fault.SetTooLong("a property", property.Text.Length, limits.ValueBytesMax);
        else AcceptProperty(first, ref fault);
    }

    private bool ReadValue(ref JsonScanner json, ref EventProperty property)
    {
        var start = json.Start;
        switch (json.Token)
        {
            case JsonToken.Text:
                return TryTakeText(ref json, out property.Text);
            case JsonToken.True or JsonToken.False:
                property.Type = PropertyType.Boolean;
                property.Long = json.Token == JsonToken.True ? 1 : 0;
                property.Double = property.Long;
                break;
            case JsonToken.Number when json.TryGetInt64(out property.Long):
                property.Type = PropertyType.Long;
                property.Double = property.Long;
                break;
            case JsonToken.Number:
                (property.Type, property.Long) = (PropertyType.Double, 0);
                // A number beyond a double's range reads as infinity, which no comparison or sum can use.
                if (!Utf8Parser.TryParse(json.Text, out property.Double, out _) || !double.IsFinite(property.Double)) return false;
                break;
            default:
                // A list has no single value: its JSON is kept as text.
                json.Skip();
                break;
        }
        property.Text = new TextRange(_recordStart + start, json.Next - start);
        return true;
    }

    private void AcceptProperty(int first, ref EventFault fault)
    {
        if (!_batch.TryAccept(first, limits.PropertiesMax)) fault.SetTooMany(limits.PropertiesMax, "properties");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void NotKept(TextRange name, ref EventFault fault) =>
        fault.Set(RejectReason.NotDecodable, $"property {Encoding.UTF8.GetString(_batch.Text(name))} is no value that can be kept");

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
