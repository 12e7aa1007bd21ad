namespace ScrmStream.Profiles;

/// <summary>The calendar periods that caps and windows count in. Weeks start on Monday.</summary>
public enum CalendarUnit : byte { Day, Week, Month }

/// <summary>Numbers calendar periods so that later ones have greater numbers.</summary>
public static class CalendarPeriod
{
    public static int Of(CalendarUnit unit, long timeMs) => Of(unit, timeMs, CalendarZone.Shanghai);

    public static int Of(CalendarUnit unit, long timeMs, CalendarZone zone) => OfDay(unit, zone.DayOf(timeMs));

    /// <summary>The period that holds a day.</summary>
    public static int OfDay(CalendarUnit unit, int day) => unit switch
    {
        CalendarUnit.Day => day,
        CalendarUnit.Week => (int)FloorDivide(day + 3, 7), // 1970-01-01 was a Thursday
        _ => MonthOf(day),
    };

    // Months since year 0, by the proleptic Gregorian calendar whose years start in March.
    private static int MonthOf(long daysSince1970)
    {
        var days = daysSince1970 + 719_468;
        var era = FloorDivide(days, 146_097);
        var dayOfEra = days - era * 146_097;
        var yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        var dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        return (int)((era * 400 + yearOfEra) * 12 + (5 * dayOfYear + 2) / 153 + 2);
    }

    private static long FloorDivide(long value, long by)
    {
        var quotient = value / by;
        return value < quotient * by ? quotient - 1 : quotient;
    }
}
