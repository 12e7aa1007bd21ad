namespace ScrmStream.Events;

/// <summary>
/// Times as text, the part of ISO 8601 that producers use: <c>2026-03-01T12:00:00.123+08:00</c>. A space may stand for the T; seconds and
/// their fraction may be absent; the offset is <c>Z</c>, <c>+hh:mm</c>, <c>+hhmm</c> or <c>+hh</c> and never guessed.
/// </summary>
public static class Iso8601
{
    /// <summary>Gives Unix milliseconds; parts of a millisecond are cut off. False for everything else, leap seconds too.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out long timeMs)
    {
        timeMs = 0;
        if (text.Length is < 17 or > 40 || text[4] != '-' || text[7] != '-' || text[13] != ':') return false;
        if (text[10] is not ((byte)'T' or (byte)'t' or (byte)' ')) return false;
        if (!Digits(text, 0, 4, out var year) || !Digits(text, 5, 2, out var month) || !Digits(text, 8, 2, out var day)
            || !Digits(text, 11, 2, out var hour) || !Digits(text, 14, 2, out var minute))
            return false;
        if (year < 1 || month is < 1 or > 12 || day < 1 || hour > 23 || minute > 59) return false;
        if (day > DateTime.DaysInMonth(year, month)) return false;
        text = text[16..];
        if (!TakeSeconds(ref text, out var ms) || !TakeOffset(text, out var offsetMinutes)) return false;
        var date = new DateTime(year, month, day, hour, minute, 0, DateTimeKind.Utc);
        timeMs = (date.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMillisecond + ms - offsetMinutes * 60_000L;
        return true;
    }

    private static bool TakeSeconds(ref ReadOnlySpan<byte> text, out int ms)
    {
        ms = 0;
        if (text.IsEmpty || text[0] != ':') return true;
        if (!Digits(text, 1, 2, out var seconds) || seconds > 59) return false;
        ms = seconds * 1000;
        text = text[3..];
        if (text.IsEmpty || text[0] is not ((byte)'.' or (byte)',')) return true;
        var length = text[1..].IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        if (length is < 1 or > 9) return false;
        for (var (i, unit) = (1, 100); unit > 0 && i <= length; i++, unit /= 10) ms += (text[i] - '0') * unit;
        text = text[(length + 1)..];
        return true;
    }

    private static bool TakeOffset(ReadOnlySpan<byte> text, out int minutes)
    {
        minutes = 0;
        if (text.Length == 1) return text[0] is (byte)'Z' or (byte)'z';
        if (text.Length is not (3 or 5 or 6) || text[0] is not ((byte)'+' or (byte)'-') || !Digits(text, 1, 2, out var hours)) return false;
        var rest = 0;
        if (text.Length == 6 && text[3] != ':' || text.Length > 3 && !Digits(text, text.Length - 2, 2, out rest)) return false;
        if (hours > 18 || rest > 59) return false;
        minutes = (hours * 60 + rest) * (text[0] == '-' ? -1 : 1);
        return true;
    }

    private static bool Digits(ReadOnlySpan<byte> text, int start, int count, out int value)
    {
        value = 0;
        if (text.Length < start + count) return false;
        foreach (var digit in text.Slice(start, count))
        {
            if (digit is < (byte)'0' or > (byte)'9') return false;
            value = value * 10 + (digit - '0');
        }
        return true;
    }
}
