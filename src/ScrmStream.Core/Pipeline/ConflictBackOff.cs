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
    private readonly Random _random = new(unchecked((int)seed));

    /// <param name="conflictsInRow">From 1.</param>
    /// <param name="attempt">How long the attempt took that failed.</param>
    public TimeSpan Next(int conflictsInRow, TimeSpan attempt)
    {
        var span = attempt * (1 << Math.Clamp(conflictsInRow - 1, 0, DoublingsMax));
        return _random.NextDouble() * (span < Longest ? span : Longest);
    }
}
