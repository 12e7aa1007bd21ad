using System.Globalization;

namespace ScrmStream.ClickHouse.Queries;

/// <summary>
/// A funnel: steps in order inside a window. The first step opens the window, t &lt;= t1 + window; events at equal times count in the
/// order of the steps; one event fills one step; the deepest level a customer reaches from any start counts.
/// </summary>
public sealed class FunnelOptions
{
    public const int StepsMax = 32;

    /// <summary>Event names, 1..32, in order; a name may come again.</summary>
    public required IReadOnlyList<string> Steps { get; init; }

    /// <summary>Length of the window, 1 ms..3660 days.</summary>
    public required TimeSpan Window { get; init; }

    /// <summary>
    /// A column of <c>events</c> or <c>properties.NAME</c>; one funnel per value it has at the first step. Null: one funnel.
    /// </summary>
    public string? By { get; init; }

    /// <summary>The first step is not before this time; null: no bound.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>The first step is before this time; null: no bound.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>Customers are those that were known at this time; null: those known now.</summary>
    public DateTimeOffset? KnownAt { get; init; }

    /// <summary>Takes <c>'a &gt; b &gt; c'</c>.</summary>
    /// <exception cref="FormatException">A step is empty or there are too many.</exception>
    public static IReadOnlyList<string> ParseSteps(string text)
    {
        var steps = text.Split('>', StringSplitOptions.TrimEntries);
        if (steps.Length > StepsMax) throw new FormatException($"A funnel has at most {StepsMax} steps; this one has {steps.Length}.");
        if (steps.Any(s => s.Length == 0))
            throw new FormatException($"'{text}' has an empty step. A funnel is written as 'first > second > third'.");
        return steps;
    }

    /// <summary>Takes a number and a unit: <c>500ms</c>, <c>45s</c>, <c>30m</c>, <c>1h</c>, <c>7d</c>, <c>2w</c>.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static TimeSpan ParseWindow(string text)
    {
        var trimmed = text.Trim();
        var digits = trimmed.TakeWhile(char.IsAsciiDigit).Count();
        long unitMs = trimmed[digits..] switch
        {
            "ms" => 1, "s" => 1_000, "m" => 60_000, "h" => 3_600_000, "d" => 86_400_000, "w" => 7 * 86_400_000L, _ => 0,
        };
        if (unitMs == 0 || digits is 0 or > 12) throw new FormatException($"'{text}' is no length of time. Examples: 30m, 1h, 7d.");
        var window = TimeSpan.FromMilliseconds(long.Parse(trimmed.AsSpan(0, digits), NumberStyles.None,
            CultureInfo.InvariantCulture) * (double)unitMs);
        return window;
    }

    internal void Validate()
    {
        if (Steps.Count is 0 or > StepsMax || Steps.Any(s => s.Length == 0))
            throw new FormatException($"A funnel has 1..{StepsMax} steps, none of them empty.");
        if (Window < TimeSpan.FromMilliseconds(1) || Window > TimeSpan.FromDays(3_660))
            throw new FormatException("A funnel's window is 1 ms to 3660 days.");
    }
}

/// <summary>How many customers reached a step.</summary>
public readonly record struct FunnelStep(string Step, long Customers);

/// <summary>One funnel; <see cref="Value"/> is null unless it was asked for by a field.</summary>
public sealed record FunnelGroup(string? Value, IReadOnlyList<FunnelStep> Steps);
