namespace ScrmStream.Events;

/// <summary>
/// Decodes canonical JSON events (schemas/events) from bytes into flat structs: one event or an array of events per record.
/// Bad data becomes a <see cref="Reject"/>, never an exception. One instance per decode lane; not thread safe.
/// </summary>
public sealed partial class JsonEventDecoder(EventLimits limits)
{
    private readonly EventChecks _checks = new(limits);
    private readonly int _depthMax = limits.JsonDepthMax;
    private EventBatch _batch = null!;
    private int _recordStart;

    /// <summary>
    /// Decodes every record of the batch. Identifiers are left as named: known kinds, no colon in a scope; junk is dropped later.
    /// </summary>
    public void Decode(EventBatch batch)
    {
        _batch = batch;
        for (var record = 0; record < batch.Records.Count; record++) DecodeRecord(record);
    }

    /// <summary>Decodes one record.</summary>
    /// <param name="json">Where its JSON lies: in the record, or behind the records when it had to be unpacked.</param>
    internal void DecodeRecord(EventBatch batch, int record, TextRange json)
    {
        _batch = batch;
        DecodeRecord(record, json.Start, json.Length);
    }

    private void DecodeRecord(int record)
    {
        ref var r = ref _batch.Records.Records[record];
        DecodeRecord(record, r.Start, r.Length);
    }

    private void DecodeRecord(int record, int start, int length)
    {
        var (events, identifiers, properties, rejects) = (_batch.Count, _batch.IdentifierCount, _batch.PropertyCount, _batch.Rejects.Count);
        var dropped = _batch.DroppedIdentifiers;
        var failure = length > limits.RecordBytesMax
            ? (RejectReason.TooLarge, $"{length} bytes, limit {limits.RecordBytesMax}")
            : TryDecode(record, _batch.Buffer.AsSpan(start, length), start);
        if (failure is not var (reason, detail)) return;
        _batch.TruncateEvents(events);
        _batch.Truncate(identifiers, properties);
        _batch.DroppedIdentifiers = dropped;
        _batch.Rejects.RemoveRange(rejects, _batch.Rejects.Count - rejects);
        _batch.Rejects.Add(new Reject(record, -1, reason, detail));
    }

    private (RejectReason, string)? TryDecode(int record, ReadOnlySpan<byte> text, int start)
    {
        if (!Utf8Text.IsValid(text)) return (RejectReason.NotDecodable, "not valid UTF-8");
        if (text.StartsWith("\uFEFF"u8))
        {
            text = text[3..];
            start += 3;
        }
        _recordStart = start;
        var json = new JsonScanner(text, _depthMax);
        if (json.Read())
        {
            if (json.Token == JsonToken.StartObject) DecodeEvent(ref json, record, 0);
            else if (json.Token != JsonToken.StartArray)
                return (RejectReason.NotDecodable, "neither an event object nor an array of events");
            else if (DecodeArray(ref json, record) is { } failure) return failure;
            json.Read();
        }
        return json.Error is { } error ? (RejectReason.NotDecodable, error) : null;
    }

    private (RejectReason, string)? DecodeArray(ref JsonScanner json, int record)
    {
        for (var index = 0; json.Read() && json.Token != JsonToken.EndArray; index++)
        {
            if (index == limits.EventsPerRecordMax) return (RejectReason.LimitExceeded, $"more than {index} events in a record");
            if (json.Token == JsonToken.StartObject) DecodeEvent(ref json, record, index);
            else
            {
                var start = json.Start;
                json.Skip();
                _batch.Rejects.Add(new Reject(record, index, RejectReason.NotDecodable, "not an event object", Since(in json, start)));
            }
        }
        return null;
    }

    private TextRange Since(in JsonScanner json, int start) => new(_recordStart + start, json.Next - start);

    // Reads one event object to its end whatever is wrong with it, so that its siblings in the array are read all the same.
    private void DecodeEvent(ref JsonScanner json, int record, int index)
    {
        var (identifiers, properties, dropped) = (_batch.IdentifierCount, _batch.PropertyCount, _batch.DroppedIdentifiers);
        var start = json.Start;
        ref var e = ref _batch.Next(record, index);
        var fault = new EventFault();
        while (NextName(ref json, out var name, ref fault)) ReadField(ref json, name, ref e, ref fault);
        e.IdentifierCount = _batch.IdentifierCount - e.FirstIdentifier;
        e.PropertyCount = _batch.PropertyCount - e.FirstProperty;
        e.Raw = Since(in json, start);
        if (!fault.Found) _checks.Check(_batch, in e, ref fault);
        if (!fault.Found && e.EventTimeMs <= limits.NotAfterMs)
        {
            _batch.Accept();
            return;
        }
        _batch.Truncate(identifiers, properties);
        _batch.DroppedIdentifiers = dropped;
        if (fault.Found) _batch.Rejects.Add(new Reject(record, index, fault.Reason, fault.Detail ?? "", e.Raw));
    }
}
