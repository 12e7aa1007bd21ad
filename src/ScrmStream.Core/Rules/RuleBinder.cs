using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>
/// Collects, while rules are compiled, the aggregates they need. Equal aggregates of several rules are one; two that differ but
/// share a key are refused.
/// </summary>
internal sealed class RuleBinder(IReadOnlyList<string> tagNames)
{
    private const int AggregatesMax = 1024;

    private readonly Dictionary<uint, Aggregate> _byKey = [];
    private readonly List<(Aggregate Aggregate, int Timeline)> _earlier = [];

    public List<FoldStep> Steps { get; } = [];
    public int Timelines { get; private set; }

    /// <summary>Of the tag that is being compiled: how long it lasts; 0 when it does not expire.</summary>
    public long ExpiresMs { get; private set; }

    /// <summary>The lists that conditions of the tag being compiled look back into.</summary>
    public (Aggregate Aggregate, int Timeline)[] EarlierLists => [.. _earlier];

    public void StartTag(long expiresMs)
    {
        ExpiresMs = expiresMs;
        _earlier.Clear();
    }

    public int NewTimeline() => Timelines++;

    public int EarlierTimeline(Aggregate aggregate, EventFilter filter)
    {
        _earlier.Add((Use(aggregate, filter), NewTimeline()));
        return _earlier[^1].Timeline;
    }

    /// <summary>The rule set's aggregate with this text, fed by the events that pass the filter.</summary>
    public T Use<T>(T aggregate, EventFilter filter) where T : Aggregate => Use(aggregate, [(filter, 0)]);

    /// <summary>The same for an aggregate that weighs: each filter with its micro points.</summary>
    public T Use<T>(T aggregate, IReadOnlyList<(EventFilter Filter, long MicroPoints)> entries) where T : Aggregate
    {
        if (_byKey.TryGetValue(aggregate.Key, out var known))
        {
            if (known.Text == aggregate.Text) return (T)known;
            throw new ExpressionException(
                0,
                $"the keys of two aggregates collide ({known.Text} and {aggregate.Text}); add to the filter of one of them "
                + "a condition that always holds, such as page != \"-\"");
        }
        if (_byKey.Count == AggregatesMax) throw new ExpressionException(0, $"the rules need more than {AggregatesMax} aggregates");
        _byKey.Add(aggregate.Key, aggregate);
        foreach (var (filter, microPoints) in entries) Steps.Add(new FoldStep(filter, aggregate, microPoints));
        return aggregate;
    }

    /// <summary>The place of a tag in the rule set; the reader has checked that it exists.</summary>
    public int TagIndex(string name)
    {
        for (var i = 0; i < tagNames.Count; i++)
        {
            if (tagNames[i] == name) return i;
        }
        throw new ArgumentException($"There is no tag '{name}'.", nameof(name));
    }
}
