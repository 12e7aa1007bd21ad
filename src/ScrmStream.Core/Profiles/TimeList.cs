namespace ScrmStream.Profiles;

/// <summary>
/// An aggregate that keeps the latest entries by time, at most <see cref="Keep"/>, and none that is <see cref="HorizonMs"/> or more
/// behind the latest. Both limits only ever drop the oldest, so what is kept does not depend on the order of arrival.
/// </summary>
public abstract class TimeList : Aggregate
{
    /// <summary>Most entries a list keeps per anchor; the design's N for exact windows.</summary>
    public const int KeepMax = 1024;

    private readonly int _entryBytes;

    /// <param name="entryBytes">Bytes of one entry, which starts with its time.</param>
    protected TimeList(string text, int keep, long horizonMs, int entryBytes) : base(text)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(keep, KeepMax);
        Keep = keep;
        HorizonMs = horizonMs;
        _entryBytes = entryBytes;
    }

    public int Keep { get; }
    public long HorizonMs { get; }

    public override int BytesMax => Keep * _entryBytes;

    public override string? Limit =>
        Keep == KeepMax ? $"exact for up to {KeepMax:N0} entries in the window; beyond that the latest {KeepMax:N0} count" : null;

    /// <summary>Fills a timeline with the latest entries over all shards, in order of time.</summary>
    public abstract void Load(ShardSet shards, Timeline timeline);

    /// <summary>The time of the entry that <paramref name="rank"/> - 1 others are later than or as late as;
    /// <see cref="long.MinValue"/> when there are fewer.</summary>
    public long NthLatest(ShardSet shards, int rank, Timeline scratch)
    {
        if (shards.Count == 1)
        {
            var payload = shards[0].Aggregate(Key);
            var at = payload.Length - rank * _entryBytes;
            return at < 0 ? long.MinValue : StoredTime.Read(payload[at..]);
        }
        Load(shards, scratch);
        return scratch.Count < rank ? long.MinValue : scratch.TimeMs(scratch.Count - rank);
    }
}
