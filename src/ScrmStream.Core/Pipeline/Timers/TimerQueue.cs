using System.Numerics;

namespace ScrmStream.Pipeline.Timers;

/// <summary>
/// When each node in memory is to be looked at next. A radix heap: times lie in buckets by the highest bit in which they differ from
/// the moment reached, so time passing moves whole buckets, and nothing is compared or sorted. A node has one time; a later one than
/// it has costs nothing, for it is woken at the earlier one and set again. At most 12 bytes an entry and 8 a node, doubled by growth.
/// Owned by the deciding thread.
/// </summary>
public sealed class TimerQueue
{
    private const int Buckets = 65;
    private const int EntriesAtFirst = 256, EntriesKept = 65_536;

    private readonly Bucket[] _buckets = new Bucket[Buckets];
    // Of each node the time it is woken at: entries of another time are left over.
    private long[] _wakeMs = [];
    private long _reachedMs;

    private struct Bucket
    {
        public long[]? Times;
        public int[] Nodes;
        public int Count;
    }

    /// <summary>Entries, those included that are left over from a later time of their node.</summary>
    public long Count { get; private set; }

    /// <summary>
    /// The node is due at a time (Unix milliseconds, not negative), or earlier if it was already to be woken earlier. A time that has been
    /// reached is due at the next call of <see cref="TakeDue"/>.
    /// </summary>
    public void Set(int node, long timeMs)
    {
        if (node >= _wakeMs.Length) Array.Resize(ref _wakeMs, Math.Max(node + 1, Math.Max(_wakeMs.Length * 2, EntriesAtFirst)));
        // Stored one higher, so that 0 is none.
        if (_wakeMs[node] != 0 && _wakeMs[node] <= timeMs + 1) return;
        _wakeMs[node] = timeMs + 1;
        Add(Math.Max(timeMs, _reachedMs), node);
        Count++;
    }

    /// <summary>
    /// Adds the nodes whose times are reached, each once, and forgets their times; moments before the last one find nothing new.
    /// </summary>
    public void TakeDue(long nowMs, List<int> due)
    {
        nowMs = Math.Max(nowMs, _reachedMs);
        var split = BucketOf(nowMs);
        ref var mixed = ref _buckets[split];
        // All times of lower buckets are before the bit in which now differs.
        for (var lower = 0; lower < split; lower++)
        {
            ref var bucket = ref _buckets[lower];
            for (var i = 0; i < bucket.Count; i++) Take(bucket.Times![i], bucket.Nodes[i], due);
            bucket.Count = 0;
        }
        _reachedMs = nowMs;
        // What is not due shares that bit with now, so it goes into lower buckets.
        var count = mixed.Count;
        mixed.Count = 0;
        for (var i = 0; i < count; i++)
        {
            if (mixed.Times![i] <= nowMs) Take(mixed.Times[i], mixed.Nodes[i], due);
            else if (IsCurrent(mixed.Times[i], mixed.Nodes[i])) Add(mixed.Times[i], mixed.Nodes[i]);
            else Count--;
        }
        // A small bucket is filled again soon; a large one would hold its room for days.
        if (mixed.Times?.Length > EntriesKept) mixed = default;
    }

    /// <summary>Forgets all nodes; the moment reached stays.</summary>
    public void Clear()
    {
        Array.Clear(_buckets);
        _wakeMs = [];
        Count = 0;
    }

    private void Take(long timeMs, int node, List<int> due)
    {
        Count--;
        if (!IsCurrent(timeMs, node)) return;
        _wakeMs[node] = 0;
        due.Add(node);
    }

    // A time set after it was reached lies under the moment that was reached then.
    private bool IsCurrent(long timeMs, int node) => _wakeMs[node] is var wake && wake != 0 && wake - 1 <= timeMs;

    private int BucketOf(long timeMs) => 64 - BitOperations.LeadingZeroCount((ulong)(timeMs ^ _reachedMs));

    private void Add(long timeMs, int node)
    {
        ref var bucket = ref _buckets[BucketOf(timeMs)];
        if (bucket.Times is null) (bucket.Times, bucket.Nodes) = (new long[EntriesAtFirst], new int[EntriesAtFirst]);
        else if (bucket.Count == bucket.Times.Length)
        {
            Array.Resize(ref bucket.Times, bucket.Count * 2);
            Array.Resize(ref bucket.Nodes, bucket.Count * 2);
        }
        (bucket.Times[bucket.Count], bucket.Nodes[bucket.Count]) = (timeMs, node);
        bucket.Count++;
    }
}
