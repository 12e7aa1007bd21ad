namespace ScrmStream.ClickHouse.Queries;

/// <summary>Which leads a funnel of stages counts, and how it is split.</summary>
public sealed class StageFunnelOptions
{
    /// <summary>What a funnel may be split by: where leads came from, or when they were made.</summary>
    public static IReadOnlyList<string> Splits { get; } = ["channel", "source", "campaign", "inviter", "day", "week", "month"];

    /// <summary>The pipeline's name.</summary>
    public required string Pipeline { get; init; }
    /// <summary>The stages to count, in order: 2 to 64.</summary>
    public required IReadOnlyList<string> Stages { get; init; }
    /// <summary>One of <see cref="Splits"/>; null: one funnel.</summary>
    public string? By { get; init; }
    /// <summary>Leads made at this time or later.</summary>
    public DateTimeOffset? From { get; init; }
    /// <summary>Leads made before this time.</summary>
    public DateTimeOffset? To { get; init; }

    /// <exception cref="FormatException">Something is out of its limits; the message names it.</exception>
    public void Validate()
    {
        if (Stages.Count is < 2 or > 64) throw new FormatException($"A funnel of stages has 2 to 64 of them, not {Stages.Count}.");
        if (By is not null && !Splits.Contains(By))
            throw new FormatException($"--by {By}: a funnel of stages is split by {string.Join(", ", Splits)}.");
        if (From >= To) throw new FormatException("--from is not before --to.");
    }
}

/// <summary>One step of a funnel of stages. Times are medians in milliseconds; null where no lead tells.</summary>
/// <param name="Leads">Leads that reached it behind all steps before; each counts once.</param>
/// <param name="Direct">Leads that came into this stage without all the steps before: at the deal, the direct deals.</param>
/// <param name="TimeToComeMs">From the step before.</param>
/// <param name="TimeInStageMs">Of the leads that left the stage, all their stays together.</param>
public sealed record StageFunnelStep(string Stage, long Leads, long Direct, long? TimeToComeMs, long? TimeInStageMs);

/// <summary>One funnel of stages.</summary>
/// <param name="Value">What it is split by; null: it is not split.</param>
public sealed record StageFunnelGroup(string? Value, IReadOnlyList<StageFunnelStep> Steps);

/// <summary>A pipeline as the rules that ran last described it.</summary>
public sealed record DescribedPipeline(
    string Name, string Type, IReadOnlyList<string> Stages, IReadOnlyList<string> Titles, IReadOnlyList<string> Funnel);
