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

/// <summary>What an event has to hold as a whole, whatever format it came in.</summary>
internal sealed class EventChecks(EventLimits limits)
{
    private readonly long _timeMinMs = limits.EventTimeMinMs, _timeMaxMs = limits.EventTimeMaxMs;
    private readonly long _aheadMaxMs = (long)limits.EventTimeAheadMax.TotalMilliseconds;

    public void Check(EventBatch batch, in TrackingEvent e, ref EventFault fault)
    {
        if (e.Name.Length <= 0) fault.Set(RejectReason.NoEventName, "field event is missing or empty");
        else if (e.EventTimeMs == long.MinValue) fault.Set(RejectReason.NoEventTime, "field event_time is missing");
        else if (e.EventTimeMs < _timeMinMs || e.EventTimeMs > _timeMaxMs)
            fault.Set(RejectReason.EventTimeOutOfRange, $"event_time {e.EventTimeMs} {OutOfRange(e.EventTimeMs)}");
        else if (e.ReceivedTimeMs != 0 && (e.ReceivedTimeMs < _timeMinMs || e.ReceivedTimeMs > _timeMaxMs))
            fault.Set(RejectReason.EventTimeOutOfRange, $"received_time {e.ReceivedTimeMs} {OutOfRange(e.ReceivedTimeMs)}");
        else CheckAhead(batch, in e, ref fault);
    }

    // The usual cause is another unit: what would lie in the range by that unit says so.
    private string OutOfRange(long timeMs)
    {
        if (timeMs >= _timeMinMs / 1000 && timeMs <= _timeMaxMs / 1000) return "looks like seconds; Unix milliseconds are wanted";
        if (timeMs / 1000 >= _timeMinMs && timeMs / 1000 <= _timeMaxMs) return "looks like microseconds; Unix milliseconds are wanted";
        if (timeMs / 1_000_000 >= _timeMinMs && timeMs / 1_000_000 <= _timeMaxMs)
            return "looks like nanoseconds; Unix milliseconds are wanted";
        return timeMs < _timeMinMs
            ? $"is before {DateTimeOffset.FromUnixTimeMilliseconds(_timeMinMs):yyyy-MM-dd}"
            : $"is after {DateTimeOffset.FromUnixTimeMilliseconds(_timeMaxMs):yyyy-MM-dd}";
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
