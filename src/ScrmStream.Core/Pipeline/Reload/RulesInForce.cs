using ScrmStream.Rules;

namespace ScrmStream.Pipeline.Reload;

/// <summary>
/// The rules that all processes of a namespace work by, and how far what is stored has followed them. Immutable.
/// </summary>
/// <param name="Number">From 1 on; it grows by one with each publication.</param>
/// <param name="Fingerprint">Of the rules (<see cref="RuleSet.Fingerprint"/>).</param>
/// <param name="File">The rule file as it was named, for messages.</param>
/// <param name="Text">The content of the rule file.</param>
public sealed record RulesInForce(long Number, string Fingerprint, string File, string Text)
{
    /// <summary>
    /// Keys of the aggregates that do not hold all events of every shard: those that the rules before did not keep. Empty once all
    /// shards have followed.
    /// </summary>
    public IReadOnlyList<uint> Incomplete { get; init; } = [];

    /// <summary>
    /// A shard that is marked with this number or a later one holds all its events in every aggregate; 0: every shard does.
    /// </summary>
    public long CompleteFrom { get; init; }

    /// <summary>The same of the aggregates of actions: of a customer with an earlier shard nothing is decided yet.</summary>
    public long ActionsFrom { get; init; }

    /// <summary>By name of the action: what happened up to this time (Unix milliseconds) is no occasion for it.</summary>
    public IReadOnlyDictionary<string, long> ActionsSince { get; init; } = new Dictionary<string, long>();

    /// <summary>
    /// Who has to be concluded anew, of all who had followed the rules before these, or before others that not all came to follow.
    /// </summary>
    public RuleChange Change { get; init; } = RuleChange.Everybody;

    /// <summary>In so many parts all customers are gone through; 0: there is nothing to go through.</summary>
    public int Parts { get; init; }

    /// <summary>All customers have been gone through.</summary>
    public bool IsSwept { get; init; }

    /// <summary>
    /// Shards of which ClickHouse lacks events, so that what the new aggregates hold begins with the publication; known once swept.
    /// </summary>
    public long Left { get; init; }
}

/// <summary>What a process is to do of a sweep.</summary>
/// <param name="Number">The part it has claimed; -1: none is free now.</param>
/// <param name="IsOver">All parts are done, or other rules are in force.</param>
public readonly record struct SweepPart(int Number, bool IsOver)
{
    /// <summary>The identifiers' buckets of a part.</summary>
    public static (int First, int Count) Buckets(int part, int parts)
    {
        return (First(part), First(part + 1) - First(part));

        int First(int p) => (int)((long)p * 4096 / parts);
    }
}
