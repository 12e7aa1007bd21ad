using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>What an entry of a score gives, and which caps hold it.</summary>
/// <param name="CapMicro">0: no cap of its own.</param>
/// <param name="Unit">In which the entry is counted: of its cap, else of its group's.</param>
/// <param name="Group">-1: none.</param>
internal readonly record struct PointRule(long AddMicro, long CapMicro, CalendarUnit Unit, int Group)
{
    public bool IsCounted => CapMicro > 0 || Group >= 0;
}

/// <summary>A cap over several entries.</summary>
internal readonly record struct GroupRule(string Name, long CapMicro, CalendarUnit Unit);

/// <summary>
/// A score's points event by event: what the listed events up to a moment are worth at that moment, caps as they were then. Slower than
/// sums, and able to look back. Immutable, any thread.
/// </summary>
internal sealed class ListedPoints(PointTimes times, PointRule[] rules, GroupRule[] groups, Fading fading, CalendarZone zone)
{
    /// <summary>No entry takes points, so that without new events they only become fewer.</summary>
    public bool OnlyFalls { get; } = Array.TrueForAll(rules, r => r.AddMicro > 0);

    public void Load(ShardSet shards, PointLine line) => times.Load(shards, line);

    /// <summary>The micro points as of a time, not yet rounded.</summary>
    public double ValueAt(PointLine line, long atMs, PointTally tally)
    {
        tally.Start(rules.Length, groups.Length);
        var total = 0.0;
        for (var i = 0; i < line.Count && line[i].TimeMs <= atMs; i++)
        {
            var (timeMs, entry) = line[i];
            var share = fading.Share(timeMs, atMs);
            ref readonly var rule = ref rules[entry];
            if (!rule.IsCounted)
            {
                total += rule.AddMicro * share;
                continue;
            }
            var day = zone.DayOf(timeMs);
            if (rule.Group >= 0) total += EnterGroup(rule.Group, CalendarPeriod.OfDay(groups[rule.Group].Unit, day), tally);
            total += EnterPeriod(entry, CalendarPeriod.OfDay(rule.Unit, day), tally);
            tally.Entries[entry].Count++;
            tally.Entries[entry].Shares += share;
        }
        for (var entry = 0; entry < rules.Length; entry++) total += CloseEntry(entry, tally);
        for (var group = 0; group < groups.Length; group++) total += CloseGroup(group, tally);
        return total;
    }

    /// <summary>The first moment after a time at which the points fade in another way; <see cref="long.MaxValue"/>: none.</summary>
    public long NextTurn(PointLine line, long afterMs)
    {
        var next = long.MaxValue;
        for (var i = 0; i < line.Count; i++) next = Math.Min(next, fading.NextTurn(line[i].TimeMs, afterMs));
        return next;
    }

    /// <summary>The last moment up to a time at which points came or turned; <see cref="long.MinValue"/>: none.</summary>
    public long LastTurn(PointLine line, long upToMs)
    {
        var last = long.MinValue;
        for (var i = 0; i < line.Count && line[i].TimeMs <= upToMs; i++) last = Math.Max(last, fading.LastTurn(line[i].TimeMs, upToMs));
        return last;
    }

    // Events come in order of time, so a period is over when an event of a later one comes. What is over is added up.
    private double EnterGroup(int group, int period, PointTally tally)
    {
        if (tally.Groups[group].Period == period) return 0;
        var total = 0.0;
        for (var entry = 0; entry < rules.Length; entry++)
            if (rules[entry].Group == group) total += CloseEntry(entry, tally);
        total += CloseGroup(group, tally);
        tally.Groups[group].Period = period;
        return total;
    }

    private double EnterPeriod(int entry, int period, PointTally tally)
    {
        if (tally.Entries[entry].Period == period) return 0;
        var total = CloseEntry(entry, tally);
        tally.Entries[entry].Period = period;
        return total;
    }

    private double CloseEntry(int entry, PointTally tally)
    {
        ref var sum = ref tally.Entries[entry];
        ref readonly var rule = ref rules[entry];
        var raw = (double)rule.AddMicro * sum.Count;
        var kept = Cap.Factor(raw, rule.CapMicro);
        var now = sum.Shares * rule.AddMicro * kept;
        sum = PointTally.EntrySum.Empty;
        if (rule.Group < 0) return now;
        tally.Groups[rule.Group].Raw += raw * kept;
        tally.Groups[rule.Group].Now += now;
        return 0;
    }

    private double CloseGroup(int group, PointTally tally)
    {
        ref var sum = ref tally.Groups[group];
        var total = sum.Now * Cap.Factor(sum.Raw, groups[group].CapMicro);
        sum = PointTally.GroupSum.Empty;
        return total;
    }
}

/// <summary>The scratch of <see cref="ListedPoints"/>: the periods that are being counted. One thread; reused.</summary>
internal sealed class PointTally
{
    public struct EntrySum
    {
        public static readonly EntrySum Empty = new() { Period = int.MinValue };

        public int Period;
        public long Count;
        public double Shares;
    }

    public struct GroupSum
    {
        public static readonly GroupSum Empty = new() { Period = int.MinValue };

        public int Period;
        public double Raw;
        public double Now;
    }

    public EntrySum[] Entries { get; private set; } = [];
    public GroupSum[] Groups { get; private set; } = [];

    public void Start(int entries, int groups)
    {
        if (Entries.Length < entries) Entries = new EntrySum[entries];
        if (Groups.Length < groups) Groups = new GroupSum[groups];
        Entries.AsSpan(0, entries).Fill(EntrySum.Empty);
        Groups.AsSpan(0, groups).Fill(GroupSum.Empty);
    }
}
