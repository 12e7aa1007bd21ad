namespace ScrmStream.Events;

/// <summary>The first thing found wrong with an event.</summary>
internal ref struct EventFault
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

/// <summary>What an event has to hold and the limits on it as a whole, whatever format it came in.</summary>
internal sealed class EventChecks(EventLimits limits)
{
    private readonly long _eventTimeMinMs = limits.EventTimeMinMs;
    private readonly long _aheadMaxMs = (long)limits.EventTimeAheadMax.TotalMilliseconds;
    private readonly int _propertiesMax = limits.PropertiesMax;
    private readonly int _identifiersMax = limits.IdentifiersMax;

    public void Check(EventBatch batch, in TrackingEvent e, ref EventFault fault)
    {
        if (e.Name.Length <= 0) fault.Set(RejectReason.NoEventName, "field event is missing or empty");
        else if (e.EventTimeMs == long.MinValue) fault.Set(RejectReason.NoEventTime, "field event_time is missing");
        else if (e.EventTimeMs < _eventTimeMinMs)
            fault.Set(RejectReason.EventTimeOutOfRange, $"event_time {e.EventTimeMs} is before 1990");
        else if (e.PropertyCount > _propertiesMax)
            fault.Set(RejectReason.LimitExceeded, $"{e.PropertyCount} properties, limit {_propertiesMax}");
        else if (e.NamedIdentifiers > _identifiersMax)
            fault.Set(RejectReason.LimitExceeded, $"{e.NamedIdentifiers} identifiers, limit {_identifiersMax}");
        else CheckAhead(batch, in e, ref fault);
    }

    private void CheckAhead(EventBatch batch, in TrackingEvent e, ref EventFault fault)
    {
        var recordTimeMs = batch.Records.Records[e.Record].TimestampMs;
        if (recordTimeMs < 0 || e.EventTimeMs <= recordTimeMs + _aheadMaxMs) return;
        fault.Set(
            RejectReason.EventTimeOutOfRange,
            $"event_time {e.EventTimeMs} is more than {_aheadMaxMs / 3_600_000.0:0.#} h ahead of the record's {recordTimeMs}");
    }
}
