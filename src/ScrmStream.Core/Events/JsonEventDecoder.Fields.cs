using System.Text.Json;

namespace ScrmStream.Events;

/// <content>The fields of an event, one by one.</content>
public sealed partial class JsonEventDecoder
{
    private void ReadField(ref Utf8JsonReader reader, ref TrackingEvent e, ref Fault fault)
    {
        if (reader.ValueTextEquals("event_id"u8)) e.EventId = ReadId(ref reader, "event_id", limits.ValueBytesMax, ref fault);
        else if (reader.ValueTextEquals("event"u8)) e.Name = ReadText(ref reader, "event", limits.KeyBytesMax, ref fault);
        else if (reader.ValueTextEquals("event_time"u8))
            e.EventTimeMs = ReadTime(ref reader, "event_time", long.MinValue, RejectReason.NoEventTime, ref fault);
        else if (reader.ValueTextEquals("channel"u8)) ReadChannel(ref reader, ref e, ref fault);
        else if (reader.ValueTextEquals("identifiers"u8)) ReadIdentifiers(ref reader, ref e, ref fault);
        else if (reader.ValueTextEquals("session_id"u8))
            e.SessionId = ReadId(ref reader, "session_id", limits.ValueBytesMax, ref fault);
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
            e.ReceivedTimeMs = ReadTime(ref reader, "received_time", 0, RejectReason.NotDecodable, ref fault);
        else if (reader.ValueTextEquals("referrer"u8)) e.Referrer = ReadText(ref reader, "referrer", limits.ValueBytesMax, ref fault);
        else if (reader.ValueTextEquals("campaign"u8)) ReadCampaign(ref reader, ref e, ref fault);
        else if (reader.ValueTextEquals("share"u8)) ReadShare(ref reader, ref e, ref fault);
        else ReadProperty(ref reader, TextRange.Absent, e.FirstProperty, ref fault);
    }

    private TextRange ReadText(ref Utf8JsonReader reader, string field, int bytesMax, ref Fault fault)
    {
        reader.Read();
        return reader.TokenType == JsonTokenType.String
            ? TakeText(ref reader, field, bytesMax, ref fault)
            : NoText(ref reader, field, ref fault);
    }

    // An id is often a number in the producer's own system: whole numbers are taken digit by digit, as they are written.
    private TextRange ReadId(ref Utf8JsonReader reader, string field, int bytesMax, ref Fault fault)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String) return TakeText(ref reader, field, bytesMax, ref fault);
        if (reader.TokenType != JsonTokenType.Number || reader.ValueSpan.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            return NoText(ref reader, field, ref fault);
        var digits = new TextRange(_recordStart + (int)reader.TokenStartIndex, reader.ValueSpan.Length);
        CheckLength(digits, field, bytesMax, ref fault);
        return digits;
    }

    private TextRange TakeText(ref Utf8JsonReader reader, string field, int bytesMax, ref Fault fault)
    {
        if (!TryTakeText(ref reader, out var text))
            fault.Set(RejectReason.NotDecodable, $"field {field} holds an escape that is no character");
        CheckLength(text, field, bytesMax, ref fault);
        return text;
    }

    private static TextRange NoText(ref Utf8JsonReader reader, string field, ref Fault fault)
    {
        if (reader.TokenType != JsonTokenType.Null) fault.Set(RejectReason.NotDecodable, $"field {field} is not a string");
        reader.Skip();
        return TextRange.Absent;
    }

    private static void CheckLength(TextRange text, string field, int bytesMax, ref Fault fault)
    {
        if (text.Length > bytesMax) fault.Set(RejectReason.LimitExceeded, $"field {field} has {text.Length} bytes, limit {bytesMax}");
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

    private long ReadTime(ref Utf8JsonReader reader, string field, long absent, RejectReason reason, ref Fault fault)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var timeMs)) return timeMs;
        if (reader.TokenType == JsonTokenType.Null) return absent;
        // Some writers escape the plus of an offset.
        if (reader.TokenType == JsonTokenType.String && TryTakeText(ref reader, out var text) && Iso8601.TryParse(_batch.Text(text), out timeMs))
            return timeMs;
        fault.Set(reason, $"field {field} is neither whole Unix milliseconds nor an ISO 8601 time with an offset");
        reader.Skip();
        return absent;
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
        var word = new EventProperty { Name = new TextRange(name, 7), Text = text, Type = PropertyType.String };
        SetProperty(in word, e.FirstProperty, ref fault);
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
            else ReadProperty(ref reader, Copied("campaign"u8), e.FirstProperty, ref fault);
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
                var depth = ReadLong(ref reader, "share.depth", long.MinValue, RejectReason.NotDecodable, ref fault);
                e.HasShareDepth = depth is >= 0 and <= int.MaxValue;
                e.ShareDepth = e.HasShareDepth ? (int)depth : 0;
                if (!e.HasShareDepth && depth != long.MinValue) fault.Set(RejectReason.NotDecodable, $"share.depth {depth} is no length of a chain");
            }
            else ReadProperty(ref reader, Copied("share"u8), e.FirstProperty, ref fault);
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
            else if (reader.ValueTextEquals("scope"u8)) scope = ReadId(ref reader, "scope", limits.IdentifierBytesMax, ref fault);
            else if (reader.ValueTextEquals("value"u8)) value = ReadId(ref reader, "value", limits.IdentifierBytesMax, ref fault);
            else if (reader.ValueTextEquals("verified"u8)) verified = ReadVerified(ref reader, ref fault);
            else PassOver(ref reader);
        }
        if (++e.NamedIdentifiers > limits.IdentifiersMax && !fault.Found)
            fault.Set(RejectReason.LimitExceeded, $"more than {limits.IdentifiersMax} identifiers");
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

    private static bool EnterObject(ref Utf8JsonReader reader, string field, ref Fault fault)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartObject) return true;
        if (reader.TokenType != JsonTokenType.Null) fault.Set(RejectReason.NotDecodable, $"field {field} is not an object");
        reader.Skip();
        return false;
    }

    private static void PassOver(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }
}
