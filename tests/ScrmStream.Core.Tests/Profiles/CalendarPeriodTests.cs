using System.Globalization;
using ScrmStream.Profiles;
using Xunit;

namespace ScrmStream.Tests.Profiles;

public sealed class CalendarPeriodTests
{
    [Fact]
    public void Of_AnyTime_AgreesWithTheCalendarOfShanghai()
    {
        var random = new Random(1);
        var epoch = new DateTimeOffset(1970, 1, 1, 0, 0, 0, TimeSpan.FromHours(8));
        for (var i = 0; i < 20_000; i++)
        {
            var timeMs = random.NextInt64(-2_000_000_000_000, 4_000_000_000_000);
            var local = DateTimeOffset.FromUnixTimeMilliseconds(timeMs).ToOffset(TimeSpan.FromHours(8));
            Assert.Equal((int)Math.Floor((local - epoch).TotalDays), CalendarPeriod.Of(CalendarUnit.Day, timeMs));
            Assert.Equal(local.Year * 12 + local.Month - 1, CalendarPeriod.Of(CalendarUnit.Month, timeMs));
        }
    }

    [Theory]
    [InlineData("2025-10-12T23:59:59.999+08:00", "2025-10-13T00:00:00.000+08:00")] // Sunday to Monday
    [InlineData("1969-12-28T23:59:59.999+08:00", "1969-12-29T00:00:00.000+08:00")]
    public void Of_Week_ChangesOnMonday(string sunday, string monday)
    {
        var before = DateTimeOffset.Parse(sunday, CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();
        var after = DateTimeOffset.Parse(monday, CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();
        Assert.Equal(CalendarPeriod.Of(CalendarUnit.Week, before) + 1, CalendarPeriod.Of(CalendarUnit.Week, after));
        Assert.Equal(CalendarPeriod.Of(CalendarUnit.Week, after), CalendarPeriod.Of(CalendarUnit.Week, after + 7 * 86_400_000 - 1));
    }
}
