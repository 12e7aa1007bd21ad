using System.Globalization;

namespace ScrmStream.Host.Reading;

/// <summary>How many cells a long pass has read: a line on standard error every few seconds, none for a short pass.</summary>
internal sealed class CellProgress(TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);
    private long _shownAt = time.GetTimestamp();

    public long Cells { get; private set; }

    public void Add(int cells)
    {
        Cells += cells;
        if (time.GetElapsedTime(_shownAt) < Interval) return;
        _shownAt = time.GetTimestamp();
        Console.Error.WriteLine($"scrmstream: {Grouped(Cells)} cells read");
    }

    /// <summary>A number for people.</summary>
    public static string Grouped(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
