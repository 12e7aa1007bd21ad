namespace ScrmStream.LoadTest.Reference;

/// <summary>What a stretch of work took.</summary>
/// <param name="Own">Processor time of this process.</param>
/// <param name="KafkaLibrary">Of that, what the threads of Kafka's client library took.</param>
/// <param name="Redis">Processor time of Redis; null: it had no part in it. <paramref name="ClickHouse"/> likewise.</param>
/// <param name="Machine">Processor time of everything that ran on this machine.</param>
/// <param name="AllocatedBytes">On the managed heap.</param>
/// <param name="Collections">Of the generations 0, 1 and 2; one of a higher generation counts in those below it too.</param>
/// <param name="PeakBytes">The most memory that this process had resident.</param>
internal sealed record Cost(
    TimeSpan Elapsed, TimeSpan Own, TimeSpan KafkaLibrary, TimeSpan? Redis, TimeSpan? ClickHouse, TimeSpan Machine, long AllocatedBytes,
    int[] Collections, long PeakBytes)
{
    public static Cost None { get; } = new(default, default, default, null, null, default, 0, [0, 0, 0], 0);

    /// <summary>One stretch and another one after it.</summary>
    public static Cost operator +(Cost one, Cost other) => new(
        one.Elapsed + other.Elapsed, one.Own + other.Own, one.KafkaLibrary + other.KafkaLibrary, Sum(one.Redis, other.Redis),
        Sum(one.ClickHouse, other.ClickHouse), one.Machine + other.Machine, one.AllocatedBytes + other.AllocatedBytes,
        [.. one.Collections.Zip(other.Collections, (a, b) => a + b)], Math.Max(one.PeakBytes, other.PeakBytes));

    private static TimeSpan? Sum(TimeSpan? one, TimeSpan? other) => one is null ? other : other is null ? one : one + other;
}
