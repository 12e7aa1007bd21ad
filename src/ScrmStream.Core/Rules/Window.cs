using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>
/// The time a condition looks at, seen from one moment: all time, the last so many milliseconds, or the calendar period that the moment
/// lies in. What every condition needs of it is when an event leaves. Immutable.
/// </summary>
internal abstract record Window
{
    public static readonly Window Ever = new EverWindow();

    public static Window Sliding(long milliseconds) => new SlidingWindow(milliseconds);

    public bool IsEver => this is EverWindow;

    /// <summary>So much behind the latest event and more, nothing is inside at any later time.</summary>
    public abstract long HorizonMs { get; }

    /// <summary>Events later than this are inside at a time (and none later than that time).</summary>
    public abstract long AfterMs(long atMs);

    /// <summary>The first moment at which an event of a time is no longer inside; <see cref="long.MaxValue"/>: it stays.</summary>
    public abstract long LeavesAt(long timeMs);

    /// <summary>As it stands in canonical texts, behind a filter.</summary>
    public abstract string Text { get; }

    private sealed record EverWindow : Window
    {
        // Times are 48 bits wide, so that no two are that far apart.
        public override long HorizonMs => 1L << 60;
        public override string Text => "";

        public override long AfterMs(long atMs) => long.MinValue;

        public override long LeavesAt(long timeMs) => long.MaxValue;
    }

    private sealed record SlidingWindow(long Milliseconds) : Window
    {
        public override long HorizonMs => Milliseconds;
        public override string Text => $", within: {RuleDuration.Format(Milliseconds)}";

        public override long AfterMs(long atMs) => atMs - Milliseconds;

        public override long LeavesAt(long timeMs) => timeMs + Milliseconds;
    }
}

/// <summary><c>within: this month</c> and the like: the calendar period that holds the moment, in the zone of the rule file.</summary>
internal sealed record CalendarWindow(CalendarUnit Unit, CalendarZone Zone) : Window
{
    // The longest period, and a day for clocks that are set.
    public override long HorizonMs => (Unit switch { CalendarUnit.Day => 2, CalendarUnit.Week => 8, _ => 32 }) * CalendarZone.DayMs;
    public override string Text => $", within: this {Unit.ToString().ToLowerInvariant()} in {Zone.Id}";

    public override long AfterMs(long atMs) => Zone.StartOfDay(CalendarZone.PeriodOf(Unit, Zone.DayOf(atMs)).First) - 1;

    public override long LeavesAt(long timeMs) => Zone.StartOfDay(CalendarZone.PeriodOf(Unit, Zone.DayOf(timeMs)).Next);
}
