using ScrmStream.Events;
using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>
/// A part of a rule set's aggregates, to be added up anew from stored events: by the very steps that fold the stream. Immutable, any
/// thread.
/// </summary>
public sealed class Refolding
{
    private readonly FoldProgram _program;

    internal Refolding(IReadOnlyList<FoldStep> steps, IReadOnlyList<uint> keys)
    {
        _program = new FoldProgram(steps);
        Keys = [.. keys.Order()];
        Fields = Named(steps);
    }

    /// <summary>Keys of the aggregates, in order.</summary>
    public IReadOnlyList<uint> Keys { get; }

    /// <summary>
    /// Names of the fields that have to be there besides time, channel and the event's name (<see cref="EventField.Known"/>; all properties
    /// are <c>properties.</c>).
    /// </summary>
    public IReadOnlySet<string> Fields { get; }

    /// <summary>Adds an event to the aggregates of a shard, and counts it there.</summary>
    public void Add(EventBatch batch, in TrackingEvent e, ShardBuffer shard)
    {
        shard.Count(e.EventTimeMs, (int)e.Channel);
        foreach (var step in _program.StepsFor(batch.Text(e.Name)))
            if (step.Filter is null || step.Filter.Matches(batch, in e)) step.Aggregate.Add(shard, batch, in e, step.MicroPoints);
    }

    // A canonical text names every field that the filter or aggregate reads; what it merely quotes is one column too many.
    private static HashSet<string> Named(IReadOnlyList<FoldStep> steps)
    {
        // First and last values are told apart by it where times are equal; a lead's origin and what actions remember take more.
        var texts = steps.SelectMany(s => (string[])[s.Filter!.Text, s.Aggregate.Text, .. s.Aggregate.Fields.Select(f => f.Name)]).ToList();
        var takesAll = steps.Any(s => s.Aggregate is StageMoments or Actions.RecentEvents or ManualMark);
        return [.. EventField.Known.Append("properties.").Where(IsNamed)];

        bool IsNamed(string name) => takesAll || texts.Exists(t => t.Contains(name, StringComparison.Ordinal));
    }
}
