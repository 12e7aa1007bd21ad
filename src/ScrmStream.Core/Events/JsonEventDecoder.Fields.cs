using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace ScrmStream.Events;

/// <content>The fields of an event, one by one.</content>
public sealed partial class JsonEventDecoder
{
    private void ReadField(ref Utf8JsonReader reader, ref TrackingEvent e, ref Fault fault)
    {
        if (reader.ValueTextEquals("event_id"u8)) e.EventId = ReadText(ref reader, "event_id", limits.ValueBytesMax, ref fault);
        else if (reader.ValueTextEquals("event"u8)) e.Name = ReadText(ref reader, "event", limits.KeyBytesMax, ref fault);
        else if (reader.ValueTextEquals("event_time"u8))
            e.EventTimeMs = ReadLong(ref reader, "event_time", long.MinValue, RejectReason.NoEventTime, ref fault);
        else if (reader.ValueTextEquals("channel"u8)) ReadChannel(ref reader, ref e, ref fault);
        else if (reader.ValueTextEquals("identifiers"u8)) ReadIdentifiers(ref reader, ref e, ref fault);
        else if (reader.ValueTextEquals("session_id"u8)) e.SessionId = ReadText(ref reader, "session_id", limits.ValueBytesMax, ref fault);
        else if (reader.ValueTextEquals("page"u8)) e.Page = ReadText(ref reader, "page", limits.ValueBytesMax, ref fault);
        else if (reader.ValueTextEquals("properties"u8)) ReadProperties(ref reader, e.FirstProperty, ref fault);
        else if (reader.ValueTextEquals("amount_fen"u8))
        {
            e.AmountFen = ReadLong(ref reader, "amount_fen", long.MinValue, RejectReason.NotDecodable, ref fault);
            e.HasAmount = e.AmountFen != long.MinValue;
            if (!e.HasAmount) e.AmountFen = 0;
        }
        else if (reader.ValueTextEquals("currency"u8)) e.Currency = ReadText(ref reader, "currency", limits.KeyBytesMax, ref fault);
        else if (reader.ValueTextEquals("received_time"u8))
            e.ReceivedTimeMs = ReadLong(ref reader, "received_time", 0, RejectReason.NotDecodable, ref fault);
        else if (reader.ValueTextEquals("referrer"u8)) e.Referrer = ReadText(ref reader, "referrer", limits.ValueBytesMax, ref fault);
        else if (reader.ValueTextEquals("campaign"u8)) ReadCampaign(ref reader, ref e, ref fault);
        else if (reader.ValueTextEquals("share"u8)) ReadShare(ref reader, ref e, ref fault);
        else PassOver(ref reader);
    }

    private TextRange ReadText(ref Utf8JsonReader reader, string field, int bytesMax, ref Fault fault)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return TextRange.Absent;
        if (reader.TokenType != JsonTokenType.String)
        {
            fault.Set(RejectReason.NotDecodable, $"field {field} is not a string");
            reader.Skip();
            return TextRange.Absent;
        }
        if (!TryTakeText(ref reader, out var text))
            fault.Set(RejectReason.NotDecodable, $"field {field} holds an escape that is no character");
        if (text.Length > bytesMax) fault.Set(RejectReason.LimitExceeded, $"field {field} has {text.Length} bytes, limit {bytesMax}");
        return text;
    }

    // The token's text where it lies in the record; unescaped text goes behind the records.
    private bool TryTakeText(ref Utf8JsonReader reader, out TextRange text)
    {
        if (reader.ValueIsEscaped) return TryUnescape(ref reader, out text);
        text = new TextRange(_recordStart + (int)reader.TokenStartIndex + 1, reader.ValueSpan.Length);
        return true;
    }

    // Half of a surrogate pair (\ud800 alone) passes as JSON, but no text can hold it and the reader throws on it.
    private bool TryUnescape(ref Utf8JsonReader reader, out TextRange text)
    {
        text = TextRange.Absent;
        try
        {
            var start = _batch.Records.Reserve(reader.ValueSpan.Length);
            text = new TextRange(start, reader.CopyString(_batch.Buffer.AsSpan(start, reader.ValueSpan.Length)));
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    // On to the next field's name; one that no text can hold is passed over with its value and makes the event bad.
    private bool NextName(ref Utf8JsonReader reader, ref Fault fault)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!reader.ValueIsEscaped || TryUnescape(ref reader, out _)) return true;
            fault.Set(RejectReason.NotDecodable, "a field's name holds an escape that is no character");
            PassOver(ref reader);
        }
        return false;
    }

    private static long ReadLong(ref Utf8JsonReader reader, string field, long absent, RejectReason reason, ref Fault fault)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return absent;
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var value)) return value;
        fault.Set(reason, $"field {field} is not a 64-bit integer");
        reader.Skip();
        return absent;
    }

    private void ReadChannel(ref Utf8JsonReader reader, ref TrackingEvent e, ref Fault fault)
    {
        var text = ReadText(ref reader, "channel", limits.KeyBytesMax, ref fault);
        if (text.Length <= 0) return;
        if (ChannelWords.TryParse(_batch.Text(text), out e.Channel)) return;
        var name = _batch.Records.Reserve(7);
        "channel"u8.CopyTo(_batch.Buffer.AsSpan(name));
        SetProperty(new EventProperty { Name = new TextRange(name, 7), Text = text, Type = PropertyType.String }, e.FirstProperty);
    }

    private void ReadCampaign(ref Utf8JsonReader reader, ref TrackingEvent e, ref Fault fault)
    {
        var bytesMax = limits.ValueBytesMax;
        if (!EnterObject(ref reader, "campaign", ref fault)) return;
        while (NextName(ref reader, ref fault))
        {
            if (reader.ValueTextEquals("source"u8)) e.CampaignSource = ReadText(ref reader, "campaign.source", bytesMax, ref fault);
            else if (reader.ValueTextEquals("medium"u8)) e.CampaignMedium = ReadText(ref reader, "campaign.medium", bytesMax, ref fault);
            else if (reader.ValueTextEquals("name"u8)) e.CampaignName = ReadText(ref reader, "campaign.name", bytesMax, ref fault);
            else if (reader.ValueTextEquals("content"u8)) e.CampaignContent = ReadText(ref reader, "campaign.content", bytesMax, ref fault);
            else if (reader.ValueTextEquals("term"u8)) e.CampaignTerm = ReadText(ref reader, "campaign.term", bytesMax, ref fault);
            else PassOver(ref reader);
        }
    }

    private void ReadShare(ref Utf8JsonReader reader, ref TrackingEvent e, ref Fault fault)
    {
        if (!EnterObject(ref reader, "share", ref fault)) return;
        while (NextName(ref reader, ref fault))
        {
            if (reader.ValueTextEquals("from"u8)) e.ShareFrom = ReadText(ref reader, "share.from", limits.ValueBytesMax, ref fault);
            else if (reader.ValueTextEquals("depth"u8))
            {
                var depth = ReadLong(ref reader, "share.depth", -1, RejectReason.NotDecodable, ref fault);
                (e.HasShareDepth, e.ShareDepth) = (depth is >= 0 and <= int.MaxValue, (int)Math.Clamp(depth, 0, int.MaxValue));
            }
            else PassOver(ref reader);
        }
    }

    private void ReadIdentifiers(ref Utf8JsonReader reader, ref TrackingEvent e, ref Fault fault)
    {
        // Of a field that is there twice the later one counts, for identifiers too.
        _batch.Truncate(e.FirstIdentifier, _batch.PropertyCount);
        e.NamedIdentifiers = 0;
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return;
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            fault.Set(RejectReason.NotDecodable, "field identifiers is not an array");
            reader.Skip();
            return;
        }
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.StartObject) ReadIdentifier(ref reader, ref e, ref fault);
            else
            {
                fault.Set(RejectReason.NotDecodable, "an identifier is not an object");
                reader.Skip();
            }
        }
    }

    private void ReadIdentifier(ref Utf8JsonReader reader, ref TrackingEvent e, ref Fault fault)
    {
        var (kind, scope, value, verified) = (TextRange.Absent, TextRange.Absent, TextRange.Absent, true);
        while (NextName(ref reader, ref fault))
        {
            if (reader.ValueTextEquals("kind"u8)) kind = ReadText(ref reader, "kind", limits.KeyBytesMax, ref fault);
            else if (reader.ValueTextEquals("scope"u8)) scope = ReadText(ref reader, "scope", limits.IdentifierBytesMax, ref fault);
            else if (reader.ValueTextEquals("value"u8)) value = ReadText(ref reader, "value", limits.IdentifierBytesMax, ref fault);
            else if (reader.ValueTextEquals("verified"u8)) verified = ReadVerified(ref reader, ref fault);
            else PassOver(ref reader);
        }
        e.NamedIdentifiers++;
        if (fault.Found) return;
        var usable = IdentifierKinds.TryParse(_batch.Text(kind), out var known) && value.Length > 0
            && !_batch.Text(scope).Contains((byte)':');
        if (!usable)
        {
            _batch.DroppedIdentifiers++;
            return;
        }
        _batch.Add(new EventIdentifier { Kind = known, Text = StoredText(known, scope, value), Verified = verified, Node = -1 });
    }

    private static bool ReadVerified(ref Utf8JsonReader reader, ref Fault fault)
    {
        reader.Read();
        if (reader.TokenType is JsonTokenType.True or JsonTokenType.Null) return true;
        if (reader.TokenType != JsonTokenType.False) fault.Set(RejectReason.NotDecodable, "field verified is not true or false");
        reader.Skip();
        return false;
    }

    private TextRange StoredText(IdentifierKind kind, TextRange scope, TextRange value)
    {
        var word = kind.WordUtf8();
        var length = word.Length + 2 + Math.Max(scope.Length, 0) + value.Length;
        var start = _batch.Records.Reserve(length);
        var text = _batch.Buffer.AsSpan(start, length);
        word.CopyTo(text);
        text[word.Length] = (byte)':';
        _batch.Text(scope).CopyTo(text[(word.Length + 1)..]);
        text[length - value.Length - 1] = (byte)':';
        _batch.Text(value).CopyTo(text[(length - value.Length)..]);
        return new TextRange(start, length);
    }

    private void ReadProperties(ref Utf8JsonReader reader, int first, ref Fault fault)
    {
        if (!EnterObject(ref reader, "properties", ref fault)) return;
        while (NextName(ref reader, ref fault))
        {
            // NextName has shown that it can be taken.
            TryTakeText(ref reader, out var name);
            if (name.Length > limits.KeyBytesMax)
                fault.Set(RejectReason.LimitExceeded, $"a property's name has {name.Length} bytes, limit {limits.KeyBytesMax}");
            reader.Read();
            if (_batch.PropertyCount - first >= limits.PropertiesMax)
                fault.Set(RejectReason.LimitExceeded, $"more than {limits.PropertiesMax} properties");
            if (reader.TokenType == JsonTokenType.Null || fault.Found)
            {
                reader.Skip();
                continue;
            }
            if (ReadProperty(ref reader, name, out var property)) SetProperty(property, first);
            else
            {
                var text = Encoding.UTF8.GetString(_batch.Text(name));
                fault.Set(RejectReason.NotDecodable, $"property {text} is neither text nor a number nor a boolean");
                reader.Skip();
            }
            if (property.Text.Length > limits.ValueBytesMax)
                fault.Set(RejectReason.LimitExceeded, $"a property has {property.Text.Length} bytes, limit {limits.ValueBytesMax}");
        }
    }

    private bool ReadProperty(ref Utf8JsonReader reader, TextRange name, out EventProperty property)
    {
        property = new EventProperty { Name = name };
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
                return false;
        }
        property.Text = new TextRange(_recordStart + (int)reader.TokenStartIndex, reader.ValueSpan.Length);
        return true;
    }

    // Of two properties of one name the later wins, as in JSON readers everywhere.
    private void SetProperty(in EventProperty property, int first)
    {
        var name = _batch.Text(property.Name);
        for (var i = first; i < _batch.PropertyCount; i++)
        {
            if (!name.SequenceEqual(_batch.Text(_batch.Properties[i].Name))) continue;
            _batch.Properties[i] = property;
            return;
        }
        _batch.Add(in property);
    }

    private static bool EnterObject(ref Utf8JsonReader reader, string field, ref Fault fault)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartObject) return true;
        if (reader.TokenType != JsonTokenType.Null) fault.Set(RejectReason.NotDecodable, $"field {field} is not an object");
        reader.Skip();
        return false;
    }

    // A field that the schema does not name is another version's: it is passed over.
    private static void PassOver(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }
}
