using ScrmStream.Events;
using ScrmStream.Profiles;

namespace ScrmStream.Rules.Actions;

/// <summary>
/// The shards of a customer as they were at a moment of the recent past, and moved on from there event by event. Scratch of one thread,
/// reused.
/// </summary>
internal sealed class RecentShards(RecentEvents memory)
{
    private static readonly ShardSet Nobody = new();

    // In order of key, as shards hold them.
    private readonly uint[] _earlier = [.. memory.Earlier.Select(a => a.Key).Order()];
    private readonly EventBatch _recalled = new(new RecordBatch(1, 1 << 16));
    private readonly List<ShardBuffer> _buffers = [];
    // Where each shard goes on.
    private int[] _next = new int[4];
    private ShardSet _customer = Nobody;

    /// <summary>The shards at the moment of <see cref="MoveTo"/>.</summary>
    public ShardSet Set { get; } = new();

    /// <summary>The moment at which they start: the one asked for, or a later one up to which events are only known added up.</summary>
    public long StartMs { get; private set; }

    /// <summary>The customer's first event, remembered or not.</summary>
    public long FirstSeenMs => _customer.FirstSeenMs;

    /// <summary>The time of the next event that is remembered; <see cref="long.MaxValue"/>: there is none.</summary>
    public long NextMs
    {
        get
        {
            var nextMs = long.MaxValue;
            for (var i = 0; i < _customer.Count; i++)
                nextMs = Math.Min(nextMs, RecentEvents.TimeAt(_customer[i].Aggregate(memory.Key), _next[i]));
            return nextMs;
        }
    }

    /// <param name="customer">Must stay as it is until <see cref="Clear"/>.</param>
    public void Start(ShardSet customer, long fromMs)
    {
        _customer = customer;
        if (_next.Length < customer.Count) _next = new int[customer.Count * 2];
        StartMs = fromMs;
        for (var i = 0; i < customer.Count; i++)
        {
            if (_buffers.Count == i) _buffers.Add(new ShardBuffer());
            StartMs = Math.Max(StartMs, LoadEarlier(customer[i], _buffers[i]));
            _next[i] = RecentEvents.First;
        }
        // What lies before the start is state, not news.
        AddUpTo(StartMs);
    }

    /// <summary>Goes on to a moment.</summary>
    public void MoveTo(long timeMs)
    {
        AddUpTo(timeMs);
        Set.Clear();
        for (var i = 0; i < _customer.Count; i++)
            if (_customer[i].FirstSeenMs <= timeMs) Set.Add(_buffers[i].Memory);
    }

    public void Clear()
    {
        Set.Clear();
        _customer = Nobody;
    }

    private void AddUpTo(long timeMs)
    {
        for (var i = 0; i < _customer.Count; i++)
        {
            var payload = _customer[i].Aggregate(memory.Key);
            while (RecentEvents.TimeAt(payload, _next[i]) <= timeMs) 
                _next[i] = memory.AddUp(payload, _next[i], _buffers[i], _recalled);
        }
    }

    // Returns the time up to which events are only known added up.
    private long LoadEarlier(Shard shard, ShardBuffer buffer)
    {
        buffer.Load(default);
        buffer.Count(shard.FirstSeenMs, 0);
        var addedUpToMs = RecentEvents.AddedUpTo(shard.Aggregate(memory.Key));
        if (addedUpToMs > shard.FirstSeenMs) buffer.Count(addedUpToMs, 0);
        foreach (var key in _earlier)
        {
            var payload = shard.Aggregate(key);
            if (!payload.IsEmpty) payload.CopyTo(buffer.ResizeAggregate(key, payload.Length));
        }
        return addedUpToMs;
    }
}
