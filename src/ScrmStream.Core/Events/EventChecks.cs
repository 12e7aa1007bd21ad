using System.Runtime.CompilerServices;

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

    // Out of line: putting a message together takes room on the stack that a good event need not clear.

    [MethodImpl(MethodImplOptions.NoInlining)]
    public void SetTooLong(string what, int length, int max) => Set(RejectReason.LimitExceeded, $"{what} has {length} bytes, limit {max}");

    [MethodImpl(MethodImplOptions.NoInlining)]
    public void SetTooMany(int max, string what) => Set(RejectReason.LimitExceeded, $"more than {max} {what}");
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
        else if (e.EventTimeMs < _timeMinMs || e.EventTimeMs > _timeMaxMs) OutOfRange("event_time", e.EventTimeMs, ref fault);
        else if (e.ReceivedTimeMs != 0 && (e.ReceivedTimeMs < _timeMinMs || e.ReceivedTimeMs > _timeMaxMs))
            OutOfRange("received_time", e.ReceivedTimeMs, ref fault);
        else
        {
            var recordTimeMs = batch.Records.Records[e.Record].TimestampMs;
            if (recordTimeMs >= 0 && e.EventTimeMs > recordTimeMs + _aheadMaxMs) Ahead(e.EventTimeMs, recordTimeMs, ref fault);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void OutOfRange(string field, long timeMs, ref EventFault fault) =>
        fault.Set(RejectReason.EventTimeOutOfRange, $"{field} {timeMs} {OutOfRange(timeMs)}");

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

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Ahead(long timeMs, long recordTimeMs, ref EventFault fault) => fault.Set(
        RejectReason.EventTimeOutOfRange,
        $"event_time {timeMs} is more than {_aheadMaxMs / 3_600_000.0:0.#} h ahead of the record's {recordTimeMs}");
}
