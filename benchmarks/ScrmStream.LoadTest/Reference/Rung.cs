namespace ScrmStream.LoadTest.Reference;

/// <summary>Processor time of one step of a rung.</summary>
internal sealed record StepCost(string Name, double NsPerEvent);

/// <summary>One rung: the work of the one below and one server more.</summary>
/// <param name="Adds">What it has that the rung below has not.</param>
internal sealed record Rung(string Name, string Adds, long Events, Cost Cost)
{
    /// <summary>Where the time went, where the rung can tell.</summary>
    public IReadOnlyList<StepCost> Steps { get; init; } = [];

    /// <summary>What it wrote, in words.</summary>
    public IReadOnlyList<string> Wrote { get; init; } = [];

    /// <summary>What its answer is other than it should be, in words. Unless it is empty the figures are void.</summary>
    public required IReadOnlyList<string> Wrong { get; init; }

    public double EventsPerSecond => Events / Cost.Elapsed.TotalSeconds;
}

/// <summary>What a server takes when nothing is computed: the same records, commands or blocks, and nothing else.</summary>
/// <param name="Of">The rung that it bounds.</param>
/// <param name="What">What was sent, with its size.</param>
internal sealed record Ceiling(string Name, string Of, long Events, TimeSpan Elapsed, string What, IReadOnlyList<string> Wrong)
{
    public double EventsPerSecond => Events / Elapsed.TotalSeconds;
}
