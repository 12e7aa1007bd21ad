using System.Globalization;
using ScrmStream.Host.Settings;

namespace ScrmStream.Host.Commands;

/// <summary>Times on the command line: Unix milliseconds, ISO 8601, or a date, which means the end of that day.</summary>
public static class Times
{
    /// <param name="zone">Of a date, and of a time without an offset.</param>
    /// <returns>Unix milliseconds; null for null.</returns>
    /// <exception cref="SettingsException">It is no time; the message names the option.</exception>
    public static long? Parse(string? text, string option, TimeZoneInfo zone)
    {
        if (text is null) return null;
        if (text.Length > 8 && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var unixMs)) return unixMs;
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
        {
            var midnight = day.AddDays(1).ToDateTime(TimeOnly.MinValue);
            return new DateTimeOffset(midnight, zone.GetUtcOffset(midnight)).ToUnixTimeMilliseconds() - 1;
        }
        if (!DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var time))
            throw new SettingsException(
                $"{option} '{text}': give a date (2026-03-01), a time (2026-03-01T12:00:00+08:00) or Unix milliseconds.");
        var offset = time.Kind == DateTimeKind.Unspecified ? zone.GetUtcOffset(time) : TimeSpan.Zero;
        var utc = time.Kind == DateTimeKind.Unspecified ? time - offset : time.ToUniversalTime();
        return new DateTimeOffset(DateTime.SpecifyKind(utc, DateTimeKind.Utc)).ToUnixTimeMilliseconds();
    }

    /// <summary>The zone of dates where nothing else says: Asia/Shanghai, as in the rules.</summary>
    public static TimeZoneInfo Shanghai { get; } =
        TimeZoneInfo.CreateCustomTimeZone("Asia/Shanghai", TimeSpan.FromHours(8), "Asia/Shanghai", "Asia/Shanghai");
}
