namespace ScrmStream.TestKit;

/// <summary>How many random worlds a test looks at: some in every run, many with <c>./scrm test --full</c>.</summary>
public static class Seeds
{
    public static IEnumerable<int> From(int first, int count, int full) => Enumerable.Range(first, IsFull ? full : count);

    public static bool IsFull => Environment.GetEnvironmentVariable("SCRM_TEST_FULL") == "1";
}
