using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>A count over all events.</summary>
internal sealed class CountCondition(EventCount count, Comparison comparison, long number) : Condition
{
    public override bool Holds(Evaluation v, long atMs) => comparison.Holds(count.Total(v.Shards), number);
}

/// <summary>How many different values a field ever had.</summary>
internal sealed class DistinctCondition(DistinctValues values, Comparison comparison, long number) : Condition
{
    public override bool Holds(Evaluation v, long atMs) => comparison.Holds(values.Count(v.Shards), number);
}

/// <summary>
/// The number of a list's entries in a window. There are at least r until the r-th latest leaves, so every comparison comes down to one or
/// two of these moments, and the list keeps just enough entries to know them.
/// </summary>
internal sealed class ListCountCondition(TimeList list, Window window, Comparison comparison, long number) : Condition
{
    /// <summary>The entries that decide a comparison: one more than the number tells "more than n" from "n".</summary>
    public static int Needed(Comparison comparison, long number) =>
        (int)(comparison is Comparison.GreaterOrEqual or Comparison.Less ? Math.Max(number, 1) : number + 1);

    public override bool Holds(Evaluation v, long atMs) => comparison switch
    {
        Comparison.GreaterOrEqual => AreAtLeast(number, v, atMs),
        Comparison.Less => !AreAtLeast(number, v, atMs),
        Comparison.Greater => AreAtLeast(number + 1, v, atMs),
        Comparison.LessOrEqual => !AreAtLeast(number + 1, v, atMs),
        Comparison.Equal => AreAtLeast(number, v, atMs) && !AreAtLeast(number + 1, v, atMs),
        _ => !AreAtLeast(number, v, atMs) || AreAtLeast(number + 1, v, atMs),
    };

    private bool AreAtLeast(long r, Evaluation v, long atMs)
    {
        if (r <= 0) return true;
        var timeMs = list.NthLatest(v.Shards, (int)r, v.Scratch);
        if (timeMs == long.MinValue) return false;
        var leavesMs = window.LeavesAt(timeMs);
        v.MayChangeAt(leavesMs);
        return atMs < leavesMs;
    }
}

/// <summary>
/// The days in a row with an event, up to today; a row up to yesterday still stands, and falls when today passes without one.
/// </summary>
internal sealed class DaysInRowCondition(LatestPerKey days, CalendarZone zone, Comparison comparison, long number) : Condition
{
    public override bool Holds(Evaluation v, long atMs) => comparison.Holds(RowAt(days, zone, v, atMs), number);

    public static long RowAt(LatestPerKey days, CalendarZone zone, Evaluation v, long atMs)
    {
        days.Load(v.Shards, v.Scratch);
        var line = v.Scratch;
        if (line.Count == 0) return 0;
        var last = LatestPerKey.DayOf(line.Value(line.Count - 1));
        var fallsMs = zone.StartOfDay(last + 2);
        v.MayChangeAt(fallsMs);
        if (atMs >= fallsMs) return 0;
        var row = 1;
        while (row < line.Count && LatestPerKey.DayOf(line.Value(line.Count - 1 - row)) == last - row) row++;
        return row;
    }
}

/// <summary>
/// A sequence: events of the first step that are followed by the others, each strictly later than the one before and within its time,
/// and perhaps by an event that must not follow. It holds while such a first event is in the window; where something must not follow,
/// from the moment on at which that time is over.
/// </summary>
/// <param name="gapsMs">Per step the longest time since the one before; that of the first is not used.</param>
/// <param name="absentMs">0, or the time in which the last step of the list must not follow.</param>
internal sealed class SequenceCondition(StepTimes times, Window window, long[] gapsMs, long absentMs) : Condition
{
    private const int StepsMax = 8;

    // Steps that have to happen.
    private readonly int _wanted = absentMs > 0 ? gapsMs.Length - 1 : gapsMs.Length;

    private struct Outlook
    {
        public long NextMs;
        public long KnownMs;
    }

    public override bool Holds(Evaluation v, long atMs)
    {
        var line = v.Steps;
        times.Load(v.Shards, line);
        long startsMs = long.MaxValue, endsMs = long.MinValue;
        for (int start = 0, end; start < line.Count; start = end)
        {
            for (end = start; end < line.Count && line[end].Key == line[start].Key; end++) { }
            Walk(line, start, end, atMs, ref startsMs, ref endsMs);
        }
        v.MayChangeAt(endsMs > atMs ? endsMs : startsMs);
        return endsMs > atMs;
    }

    // From the latest event of one key to the earliest: of each step it is known when the next good one comes, and from when on that
    // one is known to be good. The nearest good one is also the one known first.
    private void Walk(StepLine line, int start, int end, long atMs, ref long startsMs, ref long endsMs)
    {
        Span<Outlook> ahead = stackalloc Outlook[StepsMax];
        Span<Outlook> now = stackalloc Outlook[StepsMax];
        foreach (ref var outlook in ahead) outlook.NextMs = long.MaxValue;
        for (var last = end - 1; last >= start;)
        {
            var timeMs = line[last].TimeMs;
            foreach (ref var outlook in now) outlook.NextMs = long.MaxValue;
            // Events of one time do not follow each other.
            for (; last >= start && line[last].TimeMs == timeMs; last--)
            {
                int step = line[last].Step;
                var knownMs = KnownAt(step, timeMs, ahead);
                if (knownMs == long.MaxValue) continue;
                now[step] = new Outlook { NextMs = timeMs, KnownMs = knownMs };
                if (step == 0) Note(knownMs, window.LeavesAt(timeMs), atMs, ref startsMs, ref endsMs);
            }
            for (var step = 0; step < StepsMax; step++)
                if (now[step].NextMs != long.MaxValue) ahead[step] = now[step];
        }
    }

    // When it is known that the rest follows as it should; never: MaxValue.
    private long KnownAt(int step, long timeMs, ReadOnlySpan<Outlook> ahead)
    {
        if (step >= _wanted) return timeMs;
        if (step < _wanted - 1)
        {
            var next = ahead[step + 1];
            return next.NextMs != long.MaxValue && next.NextMs - timeMs <= gapsMs[step + 1] ? next.KnownMs : long.MaxValue;
        }
        if (absentMs == 0) return timeMs;
        var unwanted = ahead[_wanted].NextMs;
        return unwanted != long.MaxValue && unwanted - timeMs <= absentMs ? long.MaxValue : timeMs + absentMs;
    }

    private static void Note(long fromMs, long untilMs, long atMs, ref long startsMs, ref long endsMs)
    {
        if (fromMs >= untilMs) return;
        if (fromMs > atMs) startsMs = Math.Min(startsMs, fromMs);
        else if (untilMs > atMs) endsMs = Math.Max(endsMs, untilMs);
    }
}
