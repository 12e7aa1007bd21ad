using System.Globalization;
using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary>A window: whether an event of a time, not later than a moment, is inside at that moment.</summary>
internal static class WindowSql
{
    public static string Holds(Window window, string timeMs, SqlScope scope) => window switch
    {
        CalendarWindow calendar => $"{Period(calendar.Unit, timeMs, scope)} = {Period(calendar.Unit, scope.At, scope)}",
        { IsEver: true } => "1",
        _ => string.Create(CultureInfo.InvariantCulture, $"{timeMs} > {scope.At} - {window.HorizonMs}"),
    };

    /// <summary>The same behind a filter.</summary>
    public static string And(Window window, string timeMs, SqlScope scope) => window.IsEver ? "" : " AND " + Holds(window, timeMs, scope);

    /// <summary>The local day of a time: whole days since 1970-01-01.</summary>
    public static string Day(string timeMs, SqlScope scope) => $"{scope.Function("local_day", DayIn(scope.Zone))}({timeMs})";

    /// <summary>The number of the calendar period that holds a time; of equal periods it is equal.</summary>
    public static string Period(CalendarUnit unit, string timeMs, SqlScope scope) => PeriodOfDay(unit, Day(timeMs, scope));

    public static string PeriodOfDay(CalendarUnit unit, string day) => unit switch
    {
        CalendarUnit.Day => day,
        CalendarUnit.Week => $"toInt32(floor(({day} + 3) / 7))", // 1970-01-01 was a Thursday
        _ => $"toInt32(toYYYYMM(toDate32({day})))",
    };

    // UTC+8 without the summer times that the zone once had: what the engine takes it for.
    private static string DayIn(CalendarZone zone) => zone == CalendarZone.Shanghai
        ? "(ms -> toInt32(floor((ms + 28800000) / 86400000)))"
        : $"(ms -> toInt32(toDate32(fromUnixTimestamp64Milli(toInt64(ms), {SqlText.Quote(zone.Id)}))))";
}
