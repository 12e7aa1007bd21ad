using System.Globalization;
using ScrmStream.Host.Settings;

namespace ScrmStream.Host.Commands;

/// <summary>Durations on the command line: <c>500ms</c>, <c>5s</c>, <c>30m</c>, <c>12h</c>, <c>7d</c>.</summary>
public static class Durations
{
    /// <returns>Null for null.</returns>
    /// <exception cref="SettingsException">It is not a duration; the message names the option.</exception>
    public static TimeSpan? Parse(string? text, string option)
    {
        if (text is null) return null;
        var digits = text.TakeWhile(c => char.IsAsciiDigit(c) || c == '.').Count();
        if (!double.TryParse(text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            || Unit(text[digits..]) is not { } unit)
            throw new SettingsException($"{option} '{text}': give a number with ms, s, m, h or d, for example 5s.");
        return unit * number;
    }

    private static TimeSpan? Unit(string word) => word switch
    {
        "ms" => TimeSpan.FromMilliseconds(1),
        "s" => TimeSpan.FromSeconds(1),
        "m" => TimeSpan.FromMinutes(1),
        "h" => TimeSpan.FromHours(1),
        "d" => TimeSpan.FromDays(1),
        _ => null,
    };
}
