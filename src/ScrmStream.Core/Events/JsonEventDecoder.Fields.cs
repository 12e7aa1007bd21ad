namespace ScrmStream.Events;

/// <content>The fields of an event, one by one.</content>
public sealed partial class JsonEventDecoder
{
    private void ReadField(ref JsonScanner json, TextRange field, ref TrackingEvent e, ref EventFault fault)
    {
        var name = NameOf(in json, field);
        switch (name.Length)
        {
            case 4 when name.SequenceEqual("page"u8):
                e.Page = ReadText(ref json, "page", limits.ValueBytesMax, ref fault);
                break;
            case 5 when name.SequenceEqual("event"u8):
                e.Name = ReadText(ref json, "event", limits.KeyBytesMax, ref fault);
                break;
            case 5 when name.SequenceEqual("share"u8):
                ReadShare(ref json, ref e, ref fault);
                break;
            case 7 when name.SequenceEqual("channel"u8):
                ReadChannel(ref json, ref e, ref fault);
                break;
            case 8 when name.SequenceEqual("event_id"u8):
                e.EventId = ReadId(ref json, "event_id", limits.ValueBytesMax, ref fault);
                break;
            case 8 when name.SequenceEqual("currency"u8):
                e.Currency = ReadText(ref json, "currency", limits.KeyBytesMax, ref fault);
                break;
            case 8 when name.SequenceEqual("referrer"u8):
                e.Referrer = ReadText(ref json, "referrer", limits.ValueBytesMax, ref fault);
                break;
            case 8 when name.SequenceEqual("campaign"u8):
                ReadCampaign(ref json, ref e, ref fault);
                break;
            case 10 when name.SequenceEqual("event_time"u8):
                e.EventTimeMs = ReadTime(ref json, "event_time", long.MinValue, RejectReason.NoEventTime, ref fault);
                break;
            case 10 when name.SequenceEqual("session_id"u8):
                e.SessionId = ReadId(ref json, "session_id", limits.ValueBytesMax, ref fault);
                break;
            case 10 when name.SequenceEqual("properties"u8):
                ReadProperties(ref json, e.FirstProperty, ref fault);
                break;
            case 10 when name.SequenceEqual("amount_fen"u8):
                ReadAmount(ref json, ref e, ref fault);
                break;
            case 11 when name.SequenceEqual("identifiers"u8):
                ReadIdentifiers(ref json, ref e, ref fault);
                break;
            case 13 when name.SequenceEqual("received_time"u8):
                e.ReceivedTimeMs = ReadTime(ref json, "received_time", 0, RejectReason.NotDecodable, ref fault);
                break;
            default:
                ReadProperty(ref json, TextRange.Absent, field, e.FirstProperty, ref fault);
                break;
        }
    }

    private static void ReadAmount(ref JsonScanner json, ref TrackingEvent e, ref EventFault fault)
    {
        e.AmountFen = ReadLong(ref json, "amount_fen", long.MinValue, RejectReason.NotDecodable, ref fault);
        e.HasAmount = e.AmountFen != long.MinValue;
        if (!e.HasAmount) e.AmountFen = 0;
    }

    private TextRange ReadText(ref JsonScanner json, string field, int bytesMax, ref EventFault fault)
    {
        if (json.TryReadPlain()) return Plain(in json, field, bytesMax, ref fault);
        json.Read();
        return json.Token == JsonToken.Text
            ? TakeText(ref json, field, bytesMax, ref fault)
            : NoText(ref json, field, ref fault);
    }

    // An id is often a number in the producer's own system: whole numbers are taken digit by digit, as they are written.
    private TextRange ReadId(ref JsonScanner json, string field, int bytesMax, ref EventFault fault)
    {
        if (json.TryReadPlain()) return Plain(in json, field, bytesMax, ref fault);
        json.Read();
        if (json.Token == JsonToken.Text) return TakeText(ref json, field, bytesMax, ref fault);
        if (json.Token != JsonToken.Number || json.Text.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            return NoText(ref json, field, ref fault);
        var digits = RangeOf(in json);
        CheckLength(digits, field, bytesMax, ref fault);
        return digits;
    }

    private TextRange Plain(in JsonScanner json, string field, int bytesMax, ref EventFault fault)
    {
        var text = RangeOf(in json);
        CheckLength(text, field, bytesMax, ref fault);
        return text;
    }

    private TextRange TakeText(ref JsonScanner json, string field, int bytesMax, ref EventFault fault)
    {
        if (!TryTakeText(ref json, out var text))
            fault.Set(RejectReason.NotDecodable, $"field {field} holds an escape that is no character");
        CheckLength(text, field, bytesMax, ref fault);
        return text;
    }

    private static TextRange NoText(ref JsonScanner json, string field, ref EventFault fault)
    {
        if (json.Token != JsonToken.Null) fault.Set(RejectReason.NotDecodable, $"field {field} is not a string");
        json.Skip();
        return TextRange.Absent;
    }

    private static void CheckLength(TextRange text, string field, int bytesMax, ref EventFault fault)
    {
        if (text.Length > bytesMax) fault.SetTooLong($"field {field}", text.Length, bytesMax);
    }

    // The token's content where it lies in the record.
    private TextRange RangeOf(in JsonScanner json) => new(_recordStart + json.TextStart, json.TextLength);

    // Unescaped text goes behind the records.
    private bool TryTakeText(ref JsonScanner json, out TextRange text)
    {
        text = RangeOf(in json);
        return !json.IsEscaped || TryUnescape(ref json, out text);
    }

    // Half of a surrogate pair (\ud800 alone) passes as JSON, but no text can hold it.
    private bool TryUnescape(ref JsonScanner json, out TextRange text)
    {
        var start = _batch.Records.Reserve(json.TextLength);
        var isText = json.TryUnescape(_batch.Buffer.AsSpan(start, json.TextLength), out var length);
        text = isText ? new TextRange(start, length) : TextRange.Absent;
        return isText;
    }

    // On to the next field's name; one that no text can hold is passed over with its value and makes the event bad.
    private bool NextName(ref JsonScanner json, out TextRange name, ref EventFault fault)
    {
        while (json.ReadName())
        {
            if (TryTakeText(ref json, out name)) return true;
            fault.Set(RejectReason.NotDecodable, "a field's name holds an escape that is no character");
            PassOver(ref json);
        }
        name = TextRange.Absent;
        return false;
    }

    // The name just read; the scanner has it at hand where it holds no escape.
    private ReadOnlySpan<byte> NameOf(in JsonScanner json, TextRange name) => json.IsEscaped ? _batch.Text(name) : json.Text;

    private long ReadTime(ref JsonScanner json, string field, long absent, RejectReason reason, ref EventFault fault)
    {
        if (json.TryReadWhole(out var timeMs)) return timeMs;
        json.Read();
        if (json.Token == JsonToken.Number && json.TryGetInt64(out timeMs)) return timeMs;
        if (json.Token == JsonToken.Null) return absent;
        // Some writers escape the plus of an offset.
        if (json.Token == JsonToken.Text && TryTakeText(ref json, out var text) && Iso8601.TryParse(_batch.Text(text), out timeMs))
            return timeMs;
        fault.Set(reason, $"field {field} is neither whole Unix milliseconds nor an ISO 8601 time with an offset");
        json.Skip();
        return absent;
    }

    private static long ReadLong(ref JsonScanner json, string field, long absent, RejectReason reason, ref EventFault fault)
    {
        if (json.TryReadWhole(out var value)) return value;
        json.Read();
        if (json.Token == JsonToken.Null) return absent;
        if (json.Token == JsonToken.Number && json.TryGetInt64(out value)) return value;
        fault.Set(reason, $"field {field} is not a 64-bit integer");
        json.Skip();
        return absent;
    }

    private void ReadChannel(ref JsonScanner json, ref TrackingEvent e, ref EventFault fault)
    {
        var text = ReadText(ref json, "channel", limits.KeyBytesMax, ref fault);
        if (text.Length <= 0) return;
        if (ChannelWords.TryParse(_batch.Text(text), out e.Channel)) return;
        _batch.NextProperty(_batch.Copied("channel"u8)).Text = text;
        AcceptProperty(e.FirstProperty, ref fault);
    }

    private void ReadCampaign(ref JsonScanner json, ref TrackingEvent e, ref EventFault fault)
    {
        var bytesMax = limits.ValueBytesMax;
        if (!EnterObject(ref json, "campaign", ref fault)) return;
        while (NextName(ref json, out var field, ref fault))
        {
            var name = _batch.Text(field);
            if (name.SequenceEqual("source"u8)) e.CampaignSource = ReadText(ref json, "campaign.source", bytesMax, ref fault);
            else if (name.SequenceEqual("medium"u8)) e.CampaignMedium = ReadText(ref json, "campaign.medium", bytesMax, ref fault);
            else if (name.SequenceEqual("name"u8)) e.CampaignName = ReadText(ref json, "campaign.name", bytesMax, ref fault);
            else if (name.SequenceEqual("content"u8)) e.CampaignContent = ReadText(ref json, "campaign.content", bytesMax, ref fault);
            else if (name.SequenceEqual("term"u8)) e.CampaignTerm = ReadText(ref json, "campaign.term", bytesMax, ref fault);
            else ReadProperty(ref json, _batch.Copied("campaign"u8), field, e.FirstProperty, ref fault);
        }
    }

    private void ReadShare(ref JsonScanner json, ref TrackingEvent e, ref EventFault fault)
    {
        if (!EnterObject(ref json, "share", ref fault)) return;
        while (NextName(ref json, out var field, ref fault))
        {
            var name = _batch.Text(field);
            if (name.SequenceEqual("from"u8)) e.ShareFrom = ReadText(ref json, "share.from", limits.ValueBytesMax, ref fault);
            else if (name.SequenceEqual("depth"u8))
            {
                var depth = ReadLong(ref json, "share.depth", long.MinValue, RejectReason.NotDecodable, ref fault);
                e.HasShareDepth = depth is >= 0 and <= int.MaxValue;
                e.ShareDepth = e.HasShareDepth ? (int)depth : 0;
                if (!e.HasShareDepth && depth != long.MinValue)
                    fault.Set(RejectReason.NotDecodable, $"share.depth {depth} is no length of a chain");
            }
            else ReadProperty(ref json, _batch.Copied("share"u8), field, e.FirstProperty, ref fault);
        }
    }

    private void ReadIdentifiers(ref JsonScanner json, ref TrackingEvent e, ref EventFault fault)
    {
        // Of a field that is there twice the later one counts, for identifiers too.
        _batch.Truncate(e.FirstIdentifier, _batch.PropertyCount);
        e.NamedIdentifiers = 0;
        json.Read();
        if (json.Token == JsonToken.Null) return;
        if (json.Token != JsonToken.StartArray)
        {
            fault.Set(RejectReason.NotDecodable, "field identifiers is not an array");
            json.Skip();
            return;
        }
        while (json.Read() && json.Token != JsonToken.EndArray)
        {
            if (json.Token == JsonToken.StartObject) ReadIdentifier(ref json, ref e, ref fault);
            else
            {
                fault.Set(RejectReason.NotDecodable, "an identifier is not an object");
                json.Skip();
            }
        }
    }

    private void ReadIdentifier(ref JsonScanner json, ref TrackingEvent e, ref EventFault fault)
    {
        var (kind, scope, value, verified) = (TextRange.Absent, TextRange.Absent, TextRange.Absent, true);
        while (NextName(ref json, out var field, ref fault))
        {
            var name = NameOf(in json, field);
            if (name.SequenceEqual("value"u8)) value = ReadId(ref json, "value", limits.IdentifierBytesMax, ref fault);
            else if (name.SequenceEqual("kind"u8)) kind = ReadText(ref json, "kind", limits.KeyBytesMax, ref fault);
            else if (name.SequenceEqual("scope"u8)) scope = ReadId(ref json, "scope", limits.IdentifierBytesMax, ref fault);
            else if (name.SequenceEqual("verified"u8)) verified = ReadVerified(ref json, ref fault);
            else PassOver(ref json);
        }
        if (++e.NamedIdentifiers > limits.IdentifiersMax) fault.SetTooMany(limits.IdentifiersMax, "identifiers");
        if (fault.Found) return;
        var usable = IdentifierKinds.TryParse(_batch.Text(kind), out var known) && value.Length > 0 && !_batch.HasColon(scope);
        if (!usable)
        {
            _batch.DroppedIdentifiers++;
            return;
        }
        _batch.AddIdentifier(known, _batch.StoredText(known, scope, value), verified);
    }

    private static bool ReadVerified(ref JsonScanner json, ref EventFault fault)
    {
        json.Read();
        if (json.Token is JsonToken.True or JsonToken.Null) return true;
        if (json.Token != JsonToken.False) fault.Set(RejectReason.NotDecodable, "field verified is not true or false");
        json.Skip();
        return false;
    }

    private static bool EnterObject(ref JsonScanner json, string field, ref EventFault fault)
    {
        json.Read();
        if (json.Token == JsonToken.StartObject) return true;
        if (json.Token != JsonToken.Null) fault.Set(RejectReason.NotDecodable, $"field {field} is not an object");
        json.Skip();
        return false;
    }

    private static void PassOver(ref JsonScanner json)
    {
        json.Read();
        json.Skip();
    }
}
