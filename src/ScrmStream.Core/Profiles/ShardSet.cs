namespace ScrmStream.Profiles;

/// <summary>
/// The shards of one customer's identifiers, whose fold is the customer's profile. Filled, read and cleared by the deciding
/// thread; it borrows the bytes and keeps them only until it is cleared.
/// </summary>
public sealed class ShardSet
{
    private readonly List<ReadOnlyMemory<byte>> _shards = [];
    private readonly ShardIndex _index = new();

    public int Count => _shards.Count;

    public Shard this[int i] => new(_shards[i].Span, _index, i);

    public long Events { get; private set; }
    public uint ChannelBits { get; private set; }
    public long FirstSeenMs { get; private set; } = long.MaxValue;
    public long LastSeenMs { get; private set; } = long.MinValue;

    public void Add(ReadOnlyMemory<byte> shard)
    {
        if (shard.IsEmpty) return;
        var s = new Shard(shard.Span);
        _index.Add(_shards.Count, shard.Span);
        _shards.Add(shard);
        Events += s.Events;
        ChannelBits |= s.ChannelBits;
        FirstSeenMs = Math.Min(FirstSeenMs, s.FirstSeenMs);
        LastSeenMs = Math.Max(LastSeenMs, s.LastSeenMs);
    }

    public void Clear()
    {
        _shards.Clear();
        _index.Clear();
        Events = 0;
        ChannelBits = 0;
        FirstSeenMs = long.MaxValue;
        LastSeenMs = long.MinValue;
    }
}
