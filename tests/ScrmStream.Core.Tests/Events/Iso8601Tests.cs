using System.Globalization;
using System.Text;
using ScrmStream.Events;

namespace ScrmStream.Tests.Events;

public sealed class Iso8601Tests
{
    [Fact]
    public void TryParse_RandomTimes_EqualsDateTimeOffset()
    {
        var random = new Random(8601);
        string[] formats = ["yyyy-MM-ddTHH:mm:sszzz", "yyyy-MM-dd HH:mm:ss.fffzzz", "yyyy-MM-ddTHH:mm:ss.fffffffzzz", "yyyy-MM-ddTHH:mmzzz"];
        for (var i = 0; i < 20_000; i++)
        {
            var offset = TimeSpan.FromMinutes(random.Next(-14 * 60, 14 * 60 + 1));
            var time = new DateTimeOffset(random.NextInt64(TimeSpan.TicksPerDay, DateTime.MaxValue.Ticks - TimeSpan.TicksPerDay), offset);
            var text = time.ToString(formats[i % formats.Length], CultureInfo.InvariantCulture);
            var expected = DateTimeOffset.Parse(text, CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();
            Assert.True(Iso8601.TryParse(Encoding.ASCII.GetBytes(text), out var ms), text);
            Assert.Equal(expected, ms);
        }
    }

    [Theory]
    [InlineData("1970-01-01T00:00:00Z", 0)]
    [InlineData("1970-01-01t00:00:00.001z", 1)]
    [InlineData("1970-01-01T08:00:00+08", 0)]
    [InlineData("1970-01-01T05:30:00,999999999+0530", 999)]
    [InlineData("2024-02-29T23:59:59.5-00:30", 1_709_252_999_500)]
    public void TryParse_Forms_GiveMilliseconds(string text, long expected)
    {
        Assert.True(Iso8601.TryParse(Encoding.ASCII.GetBytes(text), out var ms));
        Assert.Equal(expected, ms);
    }

    [Theory]
    [InlineData("")]
    [InlineData("2026-03-01")]
    [InlineData("2026-03-01T11:00:00")]
    [InlineData("2026-03-01T11:00:00+")]
    [InlineData("2026-03-01T11:00:00+8")]
    [InlineData("2026-03-01T11:00:00+08:0")]
    [InlineData("2026-03-01T11:00:00+08-00")]
    [InlineData("2026-03-01T11:00:00+19:00")]
    [InlineData("2026-03-01T11:00:00.Z")]
    [InlineData("2026-03-01T11:00:00.0123456789Z")]
    [InlineData("2026-02-29T11:00:00Z")]
    [InlineData("2026-13-01T11:00:00Z")]
    [InlineData("2026-03-01T24:00:00Z")]
    [InlineData("0000-03-01T11:00:00Z")]
    [InlineData("2026-03-01T11:00:00ZZ")]
    [InlineData("2026-3-1T11:00:00Z      ")]
    [InlineData("٢٠٢٦-03-01T11:00:00Z")]
    public void TryParse_AnythingElse_IsNoTime(string text) => Assert.False(Iso8601.TryParse(Encoding.UTF8.GetBytes(text), out _));
}
