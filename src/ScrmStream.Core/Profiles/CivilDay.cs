using System.Buffers.Text;

namespace ScrmStream.Profiles;

/// <summary>Dates as whole days since 1970-01-01, and what people count with them: anniversaries and ages.</summary>
public static class CivilDay
{
    private static readonly int Epoch = new DateOnly(1970, 1, 1).DayNumber;

    public static DateOnly DateOf(int day) =>
        DateOnly.FromDayNumber(Math.Clamp(day + Epoch, DateOnly.MinValue.DayNumber, DateOnly.MaxValue.DayNumber));

    public static int Of(DateOnly date) => date.DayNumber - Epoch;

    /// <summary>Reads <c>2024-02-29</c>; what follows it behind a <c>T</c> or a space is passed over. False for what is no date.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out DateOnly date)
    {
        date = default;
        if (text.Length < 10 || text[4] != '-' || text[7] != '-') return false;
        if (text.Length > 10 && text[10] is not ((byte)'T' or (byte)' ')) return false;
        if (!TryNumber(text[..4], out var year) || !TryNumber(text.Slice(5, 2), out var month) || !TryNumber(text.Slice(8, 2), out var day))
            return false;
        if (year is < 1 or > 9998 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)) return false;
        date = new DateOnly(year, month, day);
        return true;
    }

    /// <summary>The anniversary of a date in a year; that of 29 February is the 28th in a common year.</summary>
    public static DateOnly Anniversary(DateOnly date, int year) =>
        new(year, date.Month, Math.Min(date.Day, DateTime.DaysInMonth(year, date.Month)));

    /// <summary>The first anniversary on or after a day.</summary>
    public static DateOnly NextAnniversary(DateOnly date, DateOnly from)
    {
        var anniversary = Anniversary(date, from.Year);
        return anniversary >= from || from.Year == DateOnly.MaxValue.Year ? anniversary : Anniversary(date, from.Year + 1);
    }

    /// <summary>
    /// Whole months from one date to another, negative before it: a month is full on the day of the same number, or on the last of a
    /// shorter month.
    /// </summary>
    public static int MonthsBetween(DateOnly from, DateOnly to)
    {
        var months = (to.Year - from.Year) * 12 + to.Month - from.Month;
        return from.AddMonths(months) > to ? months - 1 : months;
    }

    // TryParse of the framework takes signs and stops early; a date has digits only.
    private static bool TryNumber(ReadOnlySpan<byte> digits, out int number) =>
        Utf8Parser.TryParse(digits, out number, out var used) && used == digits.Length && digits[0] is >= (byte)'0' and <= (byte)'9';
}
