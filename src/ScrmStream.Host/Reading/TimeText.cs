using System.Globalization;
using ScrmStream.Host.Commands;
using ScrmStream.Host.Settings;

namespace ScrmStream.Host.Reading;

/// <summary>
/// Times on the command line of what reads: Unix milliseconds, or ISO 8601 (<c>2024-05-01</c>, <c>2024-05-01T08:30</c>,
/// <c>2024-05-01T00:30:00Z</c>). Without an offset they are of Asia/Shanghai, like the calendar of the rules.
/// </summary>
public static class TimeText
{
    /// <summary>What help texts say about times.</summary>
    public const string Help = "ISO date or time (of Asia/Shanghai unless it has an offset) or Unix milliseconds";

    /// <summary>A bound: a date is the start of its day. Null for null.</summary>
    /// <exception cref="SettingsException">It is no time; the message names the option.</exception>
    public static DateTimeOffset? Bound(string? text, string option)
    {
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date))
            return new DateTimeOffset(date, TimeOnly.MinValue, Times.Shanghai.BaseUtcOffset);
        return Times.Parse(text, option, Times.Shanghai) is { } unixMs ? DateTimeOffset.FromUnixTimeMilliseconds(unixMs) : null;
    }

    /// <summary>The moment of <c>--as-of</c> in Unix milliseconds, now without it; a date is the end of its day.</summary>
    /// <exception cref="SettingsException">It is no time.</exception>
    public static long AsOf(string? text, TimeProvider time) =>
        Times.Parse(text, "--as-of", Times.Shanghai) ?? time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>The moment of <c>--known-at</c>; a date is the end of its day. Null for null.</summary>
    /// <exception cref="SettingsException">It is no time.</exception>
    public static DateTimeOffset? KnownAt(string? text) =>
        Times.Parse(text, "--known-at", Times.Shanghai) is { } unixMs ? DateTimeOffset.FromUnixTimeMilliseconds(unixMs) : null;

    /// <summary>For people: minutes in Asia/Shanghai.</summary>
    public static string Show(long unixMs) =>
        DateTimeOffset.FromUnixTimeMilliseconds(unixMs).ToOffset(Times.Shanghai.BaseUtcOffset)
            .ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
}
