using System.Text.Unicode;

namespace ScrmStream.Events;

/// <summary>
/// Decodes canonical JSON events (schemas/events) from bytes into flat structs: one event or an array of events per record.
/// Bad data becomes a <see cref="Reject"/>, never an exception. One instance per decode lane; not thread safe.
/// </summary>
public sealed partial class JsonEventDecoder(EventLimits limits)
{
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

    private void DecodeRecord(int record)
    {
        ref var r = ref _batch.Records.Records[record];
        var (events, identifiers, properties, rejects) = (_batch.Count, _batch.IdentifierCount, _batch.PropertyCount, _batch.Rejects.Count);
        var dropped = _batch.DroppedIdentifiers;
        var failure = r.Length > limits.RecordBytesMax
            ? (RejectReason.TooLarge, $"{r.Length} bytes, limit {limits.RecordBytesMax}")
            : TryDecode(record, _batch.Buffer.AsSpan(r.Start, r.Length), r.Start);
        if (failure is not var (reason, detail)) return;
        _batch.TruncateEvents(events);
        _batch.Truncate(identifiers, properties);
        _batch.DroppedIdentifiers = dropped;
        _batch.Rejects.RemoveRange(rejects, _batch.Rejects.Count - rejects);
        _batch.Rejects.Add(new Reject(record, -1, reason, detail));
    }

    private (RejectReason, string)? TryDecode(int record, ReadOnlySpan<byte> text, int start)
    {
        if (!Utf8.IsValid(text)) return (RejectReason.NotDecodable, "not valid UTF-8");
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
        var e = new TrackingEvent
        {
            Record = record, Index = index, FirstIdentifier = identifiers, FirstProperty = properties, EventTimeMs = long.MinValue,
            EventId = TextRange.Absent, Name = TextRange.Absent, SessionId = TextRange.Absent, Page = TextRange.Absent,
            Referrer = TextRange.Absent, Currency = TextRange.Absent, CampaignSource = TextRange.Absent, CampaignMedium = TextRange.Absent,
            CampaignName = TextRange.Absent, CampaignContent = TextRange.Absent, CampaignTerm = TextRange.Absent,
            ShareFrom = TextRange.Absent,
        };
        var fault = new Fault();
        while (NextName(ref json, out var name, ref fault)) ReadField(ref json, name, ref e, ref fault);
        e.IdentifierCount = _batch.IdentifierCount - e.FirstIdentifier;
        e.PropertyCount = _batch.PropertyCount - e.FirstProperty;
        e.Raw = Since(in json, start);
        if (!fault.Found) CheckWhole(in e, ref fault);
        if (!fault.Found && e.EventTimeMs <= limits.NotAfterMs)
        {
            _batch.Add(in e);
            return;
        }
        _batch.Truncate(identifiers, properties);
        _batch.DroppedIdentifiers = dropped;
        if (fault.Found) _batch.Rejects.Add(new Reject(record, index, fault.Reason, fault.Detail ?? "", e.Raw));
    }

    private void CheckWhole(in TrackingEvent e, ref Fault fault)
    {
        if (e.Name.Length <= 0) fault.Set(RejectReason.NoEventName, "field event is missing or empty");
        else if (e.EventTimeMs == long.MinValue) fault.Set(RejectReason.NoEventTime, "field event_time is missing");
        else if (e.EventTimeMs < limits.EventTimeMinMs || e.EventTimeMs > limits.EventTimeMaxMs)
            fault.Set(RejectReason.EventTimeOutOfRange, $"event_time {e.EventTimeMs} {OutOfRange(e.EventTimeMs)}");
        else if (e.ReceivedTimeMs != 0 && (e.ReceivedTimeMs < limits.EventTimeMinMs || e.ReceivedTimeMs > limits.EventTimeMaxMs))
            fault.Set(RejectReason.EventTimeOutOfRange, $"received_time {e.ReceivedTimeMs} {OutOfRange(e.ReceivedTimeMs)}");
        else CheckAhead(in e, ref fault);
    }

    // The usual cause is another unit: what would lie in the range by that unit says so.
    private string OutOfRange(long timeMs)
    {
        var (min, max) = (limits.EventTimeMinMs, limits.EventTimeMaxMs);
        if (timeMs >= min / 1000 && timeMs <= max / 1000) return "looks like seconds; Unix milliseconds are wanted";
        if (timeMs / 1000 >= min && timeMs / 1000 <= max) return "looks like microseconds; Unix milliseconds are wanted";
        if (timeMs / 1_000_000 >= min && timeMs / 1_000_000 <= max) return "looks like nanoseconds; Unix milliseconds are wanted";
        return timeMs < min
            ? $"is before {DateTimeOffset.FromUnixTimeMilliseconds(min):yyyy-MM-dd}"
            : $"is after {DateTimeOffset.FromUnixTimeMilliseconds(max):yyyy-MM-dd}";
    }

    private void CheckAhead(in TrackingEvent e, ref Fault fault)
    {
        var recordTimeMs = _batch.Records.Records[e.Record].TimestampMs;
        if (recordTimeMs < 0 || e.EventTimeMs <= recordTimeMs + (long)limits.EventTimeAheadMax.TotalMilliseconds) return;
        var hours = limits.EventTimeAheadMax.TotalHours;
        fault.Set(
            RejectReason.EventTimeOutOfRange,
            $"event_time {e.EventTimeMs} is more than {hours:0.#} h ahead of the record's {recordTimeMs}");
    }

    /// <summary>The first thing found wrong with an event.</summary>
    private ref struct Fault
    {
        public bool Found;
        public RejectReason Reason;
        public string? Detail;

        public void Set(RejectReason reason, string detail)
        {
            if (Found) return;
            (Found, Reason, Detail) = (true, reason, detail);
        }
    }
}
