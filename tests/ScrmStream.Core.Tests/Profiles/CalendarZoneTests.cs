using ScrmStream.Profiles;
using Xunit;

namespace ScrmStream.Tests.Profiles;

public sealed class CalendarZoneTests
{
    private static readonly int Epoch = new DateOnly(1970, 1, 1).DayNumber;

    [Theory]
    [InlineData("Europe/Berlin")]
    [InlineData("America/New_York")]
    [InlineData("Asia/Kolkata")]
    [InlineData("Asia/Shanghai")]
    public void DayOf_AnyTime_IsTheLocalDate(string id)
    {
        var (zone, system) = (CalendarZone.TryFind(id)!, TimeZoneInfo.FindSystemTimeZoneById(id));
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var timeMs = random.NextInt64(800_000_000_000, 3_500_000_000_000);
            var local = TimeZoneInfo.ConvertTimeFromUtc(DateTimeOffset.FromUnixTimeMilliseconds(timeMs).UtcDateTime, system);
            Assert.Equal(DateOnly.FromDateTime(local).DayNumber - Epoch, zone.DayOf(timeMs));
        }
    }

    /// <summary>Also where clocks are set at midnight: Sao Paulo until 2019, Beirut, and Apia, which left a day out.</summary>
    [Theory]
    [InlineData("Europe/Berlin")]
    [InlineData("America/Sao_Paulo")]
    [InlineData("Asia/Beirut")]
    [InlineData("Pacific/Apia")]
    public void StartOfDay_IsTheFirstMomentOfADayThatNeverGoesBack(string id)
    {
        var zone = CalendarZone.TryFind(id)!;
        for (var day = 12_000; day < 22_000; day++)
        {
            var startMs = zone.StartOfDay(day);
            Assert.True(startMs <= zone.StartOfDay(day + 1));
            Assert.True(zone.DayOf(startMs) >= day && zone.DayOf(startMs - 1) < day, $"{id} day {day}");
            if (startMs < zone.StartOfDay(day + 1)) Assert.Equal(day, zone.DayOf(zone.StartOfDay(day + 1) - 1));
        }
    }

    [Theory]
    [InlineData(CalendarUnit.Week, "2026-03-01", "2026-02-23", "2026-03-02")]
    [InlineData(CalendarUnit.Week, "2026-03-02", "2026-03-02", "2026-03-09")]
    [InlineData(CalendarUnit.Month, "2024-02-29", "2024-02-01", "2024-03-01")]
    [InlineData(CalendarUnit.Day, "1969-12-31", "1969-12-31", "1970-01-01")]
    public void PeriodOf_ADay_IsItsWeekOrMonth(CalendarUnit unit, string day, string first, string next)
    {
        static int Of(string text) => CivilDay.Of(DateOnly.Parse(text, System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal((Of(first), Of(next)), CalendarZone.PeriodOf(unit, Of(day)));
    }

    [Fact]
    public void TryFind_ANameNobodyKnows_IsNull() => Assert.Null(CalendarZone.TryFind("Asia/Nowhere"));

    [Theory]
    [InlineData("1992-02-29", true)]
    [InlineData("1992-02-29T10:00:00Z", true)]
    [InlineData("1991-02-29", false)]
    [InlineData("1992-13-01", false)]
    [InlineData("1992-2-9", false)]
    [InlineData("1992-02-29x", false)]
    [InlineData("+992-02-29", false)]
    [InlineData("", false)]
    public void TryParse_OnlyDates_AreDates(string text, bool isDate) =>
        Assert.Equal(isDate, CivilDay.TryParse(System.Text.Encoding.UTF8.GetBytes(text), out _));
}
