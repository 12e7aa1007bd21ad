using System.Globalization;

namespace ScrmStream.Rules;

/// <summary>Durations in rules: a whole number and one of s, m, h, d, w; from 1 s to 400 d.</summary>
internal static class RuleDuration
{
    public const long DayMs = 86_400_000;
    public const long MaxMs = 400 * DayMs;

    /// <summary>Milliseconds; the reason instead when the text is no duration or out of range.</summary>
    public static string? TryParse(string text, out long milliseconds)
    {
        milliseconds = 0;
        var unit = text.Length == 0 ? 0 : text[^1] switch
        {
            's' => 1_000, 'm' => 60_000, 'h' => 3_600_000, 'd' => DayMs, 'w' => 7 * DayMs, _ => 0,
        };
        if (unit == 0 || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return $"'{text}' is no duration; write a whole number and s, m, h, d or w, such as 7d";
        }
        if (number < 1 || number > MaxMs / unit) return $"{text} is out of range; a duration lies between 1s and 400d";
        milliseconds = number * unit;
        return null;
    }

    /// <summary>The shortest text of a duration in whole seconds or more.</summary>
    public static string Format(long milliseconds)
    {
        if (milliseconds % DayMs == 0) return $"{milliseconds / DayMs}d";
        if (milliseconds % 3_600_000 == 0) return $"{milliseconds / 3_600_000}h";
        return milliseconds % 60_000 == 0 ? $"{milliseconds / 60_000}m" : $"{milliseconds / 1_000}s";
    }
}
