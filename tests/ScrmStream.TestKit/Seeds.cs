using System.Globalization;

namespace ScrmStream.TestKit;

/// <summary>
/// How many random worlds a test looks at: some in every run, many with <c>./scrm test --full</c>. <c>SCRM_TEST_SEEDS=17-40</c> says which ones
/// instead: a failure is a number to run again, and a long test can be run in pieces.
/// </summary>
public static class Seeds
{
    private static readonly string? Told = Environment.GetEnvironmentVariable("SCRM_TEST_SEEDS");

    public static IEnumerable<int> From(int first, int count, int full) =>
        Told is null ? Enumerable.Range(first, IsFull ? full : count) : Range(Told);

    /// <summary>Only some seeds are looked at: nothing can be said of all.</summary>
    public static bool AreTold => Told is not null;

    public static bool IsFull => Environment.GetEnvironmentVariable("SCRM_TEST_FULL") == "1";

    private static IEnumerable<int> Range(string told)
    {
        var ends = Array.ConvertAll(told.Split('-'), end => int.Parse(end, CultureInfo.InvariantCulture));
        return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
    }
}
