namespace ScrmStream.Profiles;

/// <summary>
/// A time zone as a list of offsets, so that a time's local day costs a look-up and no object. Days count from 1970-01-01; a day begins
/// at the first moment whose local date is that day or later, so days never go back, whatever clocks do. Offsets are those of the
/// machine's zone database from 1970 to 2100, and stay as they are before and after. Immutable, any thread.
/// </summary>
public sealed class CalendarZone
{
    public const long DayMs = 86_400_000;

    private const long FirstMs = 0, LastMs = 130 * 366 * DayMs;
    // No zone is farther from UTC than 14 hours; one more is room.
    private const long OffsetMaxMs = 15 * 3_600_000;

    private readonly long[] _starts;
    private readonly long[] _offsets;

    private CalendarZone(string id, List<(long StartMs, long OffsetMs)> segments)
    {
        Id = id;
        _starts = [.. segments.Select(s => s.StartMs)];
        _offsets = [.. segments.Select(s => s.OffsetMs)];
    }

    /// <summary>UTC+8 without summer time: what rules use when they name no zone.</summary>
    public static CalendarZone Shanghai { get; } = new("Asia/Shanghai", [(long.MinValue, 8 * 3_600_000)]);

    /// <summary>The IANA name.</summary>
    public string Id { get; }

    /// <summary>The zone of a name such as <c>Europe/Berlin</c>; null when the machine knows none of that name.</summary>
    public static CalendarZone? TryFind(string id)
    {
        if (id == Shanghai.Id) return Shanghai;
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone)) return null;
        List<(long, long)> segments = [(long.MinValue, OffsetOf(zone, FirstMs))];
        for (var dayMs = FirstMs; dayMs < LastMs; dayMs += DayMs)
        {
            // Two changes within one day have not been seen; between two days there is at most one.
            var offset = OffsetOf(zone, dayMs + DayMs);
            if (offset != segments[^1].Item2) segments.Add((ChangeBetween(zone, dayMs, dayMs + DayMs), offset));
        }
        return new CalendarZone(id, segments);
    }

    /// <summary>What a clock on the wall shows, as if it were UTC.</summary>
    public long LocalMs(long timeMs) => timeMs + _offsets[SegmentOf(timeMs)];

    /// <summary>The local day of a time.</summary>
    public int DayOf(long timeMs)
    {
        var day = (int)FloorDivide(timeMs + _offsets[SegmentOf(timeMs)], DayMs);
        // Where a clock is set back over midnight the new day goes on.
        return _starts.Length > 1 && StartOfDay(day + 1) <= timeMs ? day + 1 : day;
    }

    /// <summary>The first moment of a local day, Unix milliseconds.</summary>
    public long StartOfDay(int day)
    {
        var localMs = day * DayMs;
        for (var i = SegmentOf(localMs - OffsetMaxMs); ; i++)
        {
            var startMs = Math.Max(_starts[i], localMs - _offsets[i]);
            if (i + 1 == _starts.Length || startMs < _starts[i + 1]) return startMs;
        }
    }

    /// <summary>The first day of the calendar period that holds a day, and of the next one.</summary>
    public static (int First, int Next) PeriodOf(CalendarUnit unit, int day)
    {
        switch (unit)
        {
            case CalendarUnit.Day: return (day, day + 1);
            case CalendarUnit.Week:
                var monday = (int)FloorDivide(day + 3, 7) * 7 - 3; // 1970-01-01 was a Thursday
                return (monday, monday + 7);
            default:
                var date = CivilDay.DateOf(day);
                var first = day - (date.Day - 1);
                return (first, first + DateTime.DaysInMonth(date.Year, date.Month));
        }
    }

    private int SegmentOf(long timeMs)
    {
        if (_starts.Length == 1) return 0;
        var i = Array.BinarySearch(_starts, timeMs);
        return i >= 0 ? i : ~i - 1;
    }

    private static long ChangeBetween(TimeZoneInfo zone, long beforeMs, long afterMs)
    {
        var before = OffsetOf(zone, beforeMs);
        while (afterMs - beforeMs > 1)
        {
            var middle = beforeMs + (afterMs - beforeMs) / 2;
            if (OffsetOf(zone, middle) == before) beforeMs = middle;
            else afterMs = middle;
        }
        return afterMs;
    }

    private static long OffsetOf(TimeZoneInfo zone, long timeMs) =>
        (long)zone.GetUtcOffset(DateTimeOffset.FromUnixTimeMilliseconds(timeMs)).TotalMilliseconds;

    private static long FloorDivide(long value, long by)
    {
        var quotient = value / by;
        return value < quotient * by ? quotient - 1 : quotient;
    }
}
