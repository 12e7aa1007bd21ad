using System.Globalization;
using System.Text;

namespace ScrmStream.Host.Mapping;

/// <summary>How a time is written: <c>unix_s</c>, <c>unix_ms</c>, <c>iso8601</c>, or a .NET date pattern.</summary>
internal sealed class MappedTime
{
    private const int CharactersMax = 64;
    private const long UnixSecondsMax = 253_402_300_799; // the end of the year 9999

    private static readonly string[] Iso =
    [
        "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK",
        "yyyy-MM-dd HH:mmK", "yyyy-MM-dd HH:mm:ssK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
    ];

    private readonly long _unitMs;
    private readonly string[] _patterns;
    private readonly TimeZoneInfo? _zone;

    private MappedTime(long unitMs, string[] patterns, TimeZoneInfo? zone)
    {
        _unitMs = unitMs;
        _patterns = patterns;
        _zone = zone;
    }

    /// <param name="zone">Of times that state no offset themselves; null where there is none.</param>
    /// <exception cref="FormatException">The pattern is not one, or it needs a time zone.</exception>
    public static MappedTime Of(string format, TimeZoneInfo? zone)
    {
        if (format is "unix_s" or "unix_ms") return new MappedTime(format == "unix_s" ? 1000 : 1, [], zone);
        if (format == "iso8601") return new MappedTime(0, Iso, zone);
        if (!format.Contains("yy", StringComparison.Ordinal))
        {
            throw new FormatException(
                $"'{format}' is no time format: use unix_s, unix_ms, iso8601 or a date pattern such as yyyy/MM/dd HH:mm:ss");
        }
        var hasOffset = format.Contains('K') || format.Contains('z');
        if (!hasOffset && zone is null) throw new FormatException($"times like {format} need the mapping's time_zone");
        var sample = new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc).ToString(format, CultureInfo.InvariantCulture);
        if (!DateTime.TryParseExact(sample, format, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out _))
            throw new FormatException($"'{format}' is no date pattern that can be read");
        return new MappedTime(0, [format], zone);
    }

    /// <summary>Gives Unix milliseconds, or why there are none.</summary>
    public string? Read(ReadOnlySpan<byte> text, out long timeMs)
    {
        timeMs = 0;
        if (text.IsEmpty) return "the time is empty";
        if (text.Length > CharactersMax) return "the time is too long";
        return _unitMs > 0 ? ReadUnix(text, out timeMs) : ReadPattern(text, out timeMs);
    }

    private string? ReadUnix(ReadOnlySpan<byte> text, out long timeMs)
    {
        var ok = MappedNumber.TryLong(text, out var units) && Int128.Abs(units) * _unitMs <= UnixSecondsMax * (Int128)1000;
        timeMs = ok ? units * _unitMs : 0;
        return ok ? null : $"'{Encoding.UTF8.GetString(text)}' is no time in unix {(_unitMs == 1 ? "milliseconds" : "seconds")}";
    }

    private string? ReadPattern(ReadOnlySpan<byte> text, out long timeMs)
    {
        timeMs = 0;
        var characters = Encoding.UTF8.GetString(text);
        if (!DateTime.TryParseExact(characters, _patterns, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out var time))
            return $"'{characters}' is no time of the form {(_patterns.Length == 1 ? _patterns[0] : "iso8601")}";
        if (time.Kind != DateTimeKind.Utc)
        {
            if (_zone is null) return $"'{characters}' states no offset and the mapping no time_zone";
            if (_zone.IsInvalidTime(time)) return $"'{characters}' was skipped by the clocks of {_zone.Id}";
            // Of an hour that the clocks showed twice this is the second one, standard time.
            time = DateTime.SpecifyKind(time - _zone.GetUtcOffset(time), DateTimeKind.Utc);
        }
        timeMs = new DateTimeOffset(time).ToUnixTimeMilliseconds();
        return null;
    }
}
