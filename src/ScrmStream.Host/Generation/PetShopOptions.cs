namespace ScrmStream.Host.Generation;

/// <summary>How much of the pet shop's story to make. The same options give the same bytes on every machine.</summary>
public sealed class PetShopOptions
{
    /// <summary>Events in all, bad and repeated ones included. Default 100,000, range 100 to 100,000,000.</summary>
    public int Events { get; set; } = 100_000;

    /// <summary>
    /// People with a name in the shop, beside the heroine and passers-by; 0 takes a tenth of the events. Range 10 to 10,000,000.
    /// </summary>
    public int People { get; set; }

    public int Seed { get; set; } = 1;

    /// <summary>When the story begins. Default 2026-03-01T00:00:00+08:00.</summary>
    public DateTimeOffset Start { get; set; } = new(2026, 3, 1, 0, 0, 0, TimeSpan.FromHours(8));

    /// <summary>How long it goes on. Default 30 days, range 7 to 365.</summary>
    public int Days { get; set; } = 30;

    /// <summary>
    /// Makes some events that lie in the year 2100. They are rejected only where records have timestamps (a topic): a file has none, and
    /// accepts them.
    /// </summary>
    public bool HasFarAheadEvents { get; set; }

    /// <summary>Share of events that are bad on purpose and rejected, the story's own few apart. Default 0, range 0 to 0.9.</summary>
    public double BadShare { get; set; }

    /// <summary>Share of visits whose events come minutes to days late. Default 0.01, range 0 to 1.</summary>
    public double LateShare { get; set; } = 0.01;

    /// <summary>Share of the visits that the busiest tenth of the people makes. Default 0.5, range 0 to 1.</summary>
    public double Skew { get; set; } = 0.5;

    /// <summary><see cref="People"/> with its default.</summary>
    public int PeopleOrDefault => People > 0 ? People : Math.Clamp(Events / 10, 10, 10_000_000);

    /// <exception cref="ArgumentException">An option is outside its range; the message names it.</exception>
    public void Validate()
    {
        if (Events is < 100 or > 100_000_000) throw new ArgumentException($"--events {Events}: from 100 to 100000000.");
        if (People is not 0 and (< 10 or > 10_000_000)) throw new ArgumentException($"--people {People}: from 10 to 10000000.");
        if (Days is < 7 or > 365) throw new ArgumentException($"--days {Days}: from 7 to 365.");
        if (BadShare is not (>= 0 and <= 0.9)) throw new ArgumentException($"--bad {BadShare}: from 0 to 0.9.");
        if (LateShare is not (>= 0 and <= 1)) throw new ArgumentException($"--late {LateShare}: from 0 to 1.");
        if (Skew is not (>= 0 and <= 1)) throw new ArgumentException($"--skew {Skew}: from 0 to 1.");
        if (Start.Year is < 1991 or > 2090) throw new ArgumentException($"--start {Start:O}: from 1991 to 2090.");
    }
}
