namespace ScrmStream.Pipeline;

/// <summary>
/// How long to wait before a flush that met a conflict is tried again. Two processes that conflict once would do so for ever if they
/// waited equally long: so each waits a part, drawn at random, of a span that is a multiple of what an attempt takes and doubles with
/// each conflict (as on a shared wire, IEEE 802.3). Not thread safe.
/// </summary>
/// <param name="seed">Different in each process.</param>
public sealed class ConflictBackOff(ulong seed)
{
    private const int DoublingsMax = 4;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private ulong _state = seed;

    /// <param name="conflictsInRow">From 1.</param>
    /// <param name="attempt">How long the attempt took that failed.</param>
    public TimeSpan Next(int conflictsInRow, TimeSpan attempt)
    {
        // SplitMix64 (Steele, Lea, Flood 2014).
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        var part = ((z ^ (z >> 31)) >> 11) / (double)(1UL << 53);
        var span = attempt * (1 << Math.Clamp(conflictsInRow - 1, 0, DoublingsMax));
        return part * (span < Longest ? span : Longest);
    }
}
