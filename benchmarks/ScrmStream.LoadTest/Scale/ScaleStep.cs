using ScrmStream.LoadTest.Price;

namespace ScrmStream.LoadTest.Scale;

/// <summary>A run that is to be made.</summary>
/// <param name="Part">What is grown, alone among the runs of that name.</param>
/// <param name="RuleCopies">So many times the sixteen tags of the reference job, each time over another number of days.</param>
/// <param name="Partitions">Of the topic.</param>
internal sealed record ScaleStep(ScaleParts Part, int Events, int RuleCopies, int Processes, int Partitions);

/// <summary>What a run took, and what it came to.</summary>
/// <param name="Seconds">From its first record until everything was durable, of the process that took longest.</param>
/// <param name="OwnCpu">Of all its processes from their start to their end.</param>
/// <param name="RedisCpu">Without the counting of what it holds at the end.</param>
/// <param name="PeakBytes">Resident memory of the largest process.</param>
/// <param name="RedisBytes">What its data take in Redis.</param>
/// <param name="Wrong">What the stores hold other than they should, in words. Unless it is empty the figures are void.</param>
internal sealed record ScaleResult(
    ScaleStep Step, ReferenceTruth Truth, double Seconds, TimeSpan OwnCpu, TimeSpan RedisCpu, TimeSpan ClickHouseCpu, long PeakBytes,
    long RedisBytes, IReadOnlyList<string> Wrong);
