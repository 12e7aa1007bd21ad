namespace ScrmStream.Integration.ClickHouse;

/// <summary>The funnel contract, written as slowly and plainly as possible.</summary>
internal static class FunnelReference
{
    internal readonly record struct Seen(string Customer, string Name, long TimeMs, string Field);

    /// <summary>The deepest level any chain of distinct events reaches; events at equal times stand in any order.</summary>
    public static int Depth(List<Seen> events, IReadOnlyList<string> steps, long windowMs, long? fromMs, long? toMs, string? field)
    {
        var deepest = 0;
        for (var i = 0; i < events.Count; i++)
        {
            var first = events[i];
            if (first.Name != steps[0] || first.TimeMs < fromMs || first.TimeMs >= toMs || (field is not null && first.Field != field))
                continue;
            var used = new bool[events.Count];
            used[i] = true;
            deepest = Math.Max(deepest, Extend(events, steps, 1, first.TimeMs, first.TimeMs + windowMs, used));
        }
        return deepest;
    }

    private static int Extend(List<Seen> events, IReadOnlyList<string> steps, int reached, long atMs, long endMs, bool[] used)
    {
        if (reached == steps.Count) return reached;
        var deepest = reached;
        for (var i = 0; i < events.Count && deepest < steps.Count; i++)
        {
            if (used[i] || events[i].Name != steps[reached] || events[i].TimeMs < atMs || events[i].TimeMs > endMs) continue;
            used[i] = true;
            deepest = Math.Max(deepest, Extend(events, steps, reached + 1, events[i].TimeMs, endMs, used));
            used[i] = false;
        }
        return deepest;
    }
}
