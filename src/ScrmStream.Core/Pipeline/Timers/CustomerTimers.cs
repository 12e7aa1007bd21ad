using System.Runtime.InteropServices;
using ScrmStream.Diagnostics;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Rules;

namespace ScrmStream.Pipeline.Timers;

/// <summary>
/// Lets time pass: keeps the watermark, and marks the customers whose next change it has passed, so that the flush that follows
/// concludes and publishes them. While this process writes alone, the customers that it has published are woken from memory; all
/// others, and among several processes everyone, are found in the store. Any process may wake any customer: the view and its timer are
/// one, so who comes second finds nothing new. Owned by the deciding thread, but for <see cref="EndAtMaximum"/>.
/// </summary>
public sealed class CustomerTimers
{
    /// <summary>How often stored timers are looked at while nothing else happens.</summary>
    public static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(500);

    // Among several processes: so long the due customers of a bucket are left to those who published them last.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);
    // Among several processes: so often all buckets are looked at, for what a process that is gone has left.
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(30);
    private const int BucketCount = 4096, BucketsPerLook = 512, TimersPerBucket = 64;
    // Customers read from the store at once; the flush that follows makes room for more.
    private const int WokenMax = 10_000;

    private readonly CustomerState _state;
    private readonly ITimerStore _store;
    private readonly IEventSource _source;
    private readonly IViewStore _views;
    private readonly TimeProvider _time;
    private readonly ulong _writer;
    private readonly WatermarkClock _clock;
    private readonly TimerQueue _queue = new();
    private readonly List<int> _woken = [];
    // Of each bucket the first stored timer that is known to lie there and not in the queue.
    private readonly long[] _storedMs = new long[BucketCount];
    // Of each bucket the first due timer that was left to another process, and since when, by the monotonic clock; 0: none was.
    private readonly (long TimeMs, long Since)[] _left = new (long, long)[BucketCount];
    // Up to here what the queue knew has been published.
    private long _firedMs = long.MaxValue;
    private long _lookedAt, _sweptAt;
    private int _generation, _nextBucket;
    private bool _wasAlone;
    private volatile bool _isEnding;

    /// <param name="writer">A number no other process uses.</param>
    /// <param name="growsInSilence">False: the run ends when nothing is left to be read, as of the greatest time met.</param>
    public CustomerTimers(
        CustomerState state, ITimerStore store, IEventSource source, IViewStore views, ulong writer, bool growsInSilence,
        TimeProvider time)
    {
        (_state, _store, _source, _views, _writer, _time) = (state, store, source, views, writer, time);
        _clock = new WatermarkClock(growsInSilence, time);
        ForgetStored();
    }

    /// <summary>
    /// Everything is concluded as of this moment at least, Unix milliseconds; <see cref="long.MinValue"/> before it is known.
    /// </summary>
    public long WatermarkMs { get; private set; } = long.MinValue;

    /// <summary>Customers woken so far.</summary>
    public long Woken { get; private set; }

    /// <summary>It is time to look, when nothing else brings a flush about.</summary>
    public bool IsLookDue => _time.GetElapsedTime(_lookedAt) >= LookInterval;

    /// <summary>From now on the watermark is the greatest time met. May come from any thread.</summary>
    public void EndAtMaximum() => _isEnding = true;

    /// <summary>The run ends, and time with it: <see cref="EndAtMaximum"/> was called.</summary>
    public bool IsEnding => _isEnding;

    /// <summary>Takes in a batch that has been folded.</summary>
    public void Applied(EventBatch batch) => _clock.Applied(batch);

    /// <summary>The customer rooted at a node is being published, and changes next at this time.</summary>
    public void Published(int root, long nextChangeMs)
    {
        if (nextChangeMs == long.MaxValue) return;
        if (_views.IsSoleWriter)
        {
            _queue.Set(root, nextChangeMs);
            return;
        }
        ref var storedMs = ref _storedMs[new IdentifierId(_state.Graph.Nodes[root].Id).Bucket];
        storedMs = Math.Min(storedMs, nextChangeMs);
    }

    /// <summary>Moves time on and marks who is due; what they need is in memory then. True when somebody was found.</summary>
    public async ValueTask<bool> WakeAsync(CellPrefetch prefetch, CancellationToken cancel)
    {
        _lookedAt = _time.GetTimestamp();
        if (_generation != _state.Generation) Forget();
        await AdvanceAsync(cancel);
        if (WatermarkMs == long.MinValue) return false;
        var isAlone = _views.IsSoleWriter;
        var woken = await WakeStoredAsync(prefetch, isAlone, cancel);
        if (isAlone) woken += WakeKnown();
        Woken += woken;
        return woken > 0;
    }

    /// <summary>Says that this process has nothing to say any more.</summary>
    public Task LeaveAsync(CancellationToken cancel) =>
        _store.AdvanceAsync(
            new WatermarkReport(_writer, IsAlone: false, WatermarkState.None, 0, _clock.MaximumMs), cancel);

    private async ValueTask AdvanceAsync(CancellationToken cancel)
    {
        var (state, timeMs) = _clock.Read(_source);
        if (_isEnding) state = WatermarkState.Final;
        var report = new WatermarkReport(_writer, _views.IsSoleWriter, state, timeMs, _clock.MaximumMs);
        await Failpoints.PassAsync(Failpoint.TimeBefore);
        var common = await _store.AdvanceAsync(report, cancel);
        await Failpoints.PassAsync(Failpoint.TimeAfter);
        if (WatermarkMs == long.MinValue && _clock.ResumedMs == long.MinValue) _clock.ResumedMs = common;
        WatermarkMs = Math.Max(WatermarkMs, common);
    }

    private int WakeKnown()
    {
        _woken.Clear();
        _queue.TakeDue(WatermarkMs, _woken);
        var due = 0;
        foreach (var node in _woken)
        {
            var nextMs = Conclusion.NextChangeOf(_state.Conclusions[_state[node].Conclusion]);
            if (nextMs == long.MaxValue) continue;
            if (nextMs > WatermarkMs) _queue.Set(node, nextMs);
            else
            {
                _state.Mark(node, CellFlags.Due);
                due++;
            }
        }
        _firedMs = WatermarkMs;
        return due;
    }

    // Of what is stored, a process that writes alone need only look at what its queue has not published: it was due a look ago.
    private async ValueTask<int> WakeStoredAsync(CellPrefetch prefetch, bool isAlone, CancellationToken cancel)
    {
        var untilMs = isAlone ? Math.Min(_firedMs, WatermarkMs) : WatermarkMs;
        if (!isAlone && (_wasAlone || _isEnding || _time.GetElapsedTime(_sweptAt) >= SweepInterval)) ForgetStored();
        _wasAlone = isAlone;
        var woken = 0;
        for (var look = 0; look < BucketCount / BucketsPerLook && woken < WokenMax; look++)
        {
            var buckets = BucketsDue(untilMs);
            if (buckets.Count == 0) break;
            var nextMs = new long[buckets.Count];
            var due = await _store.DueAsync(buckets, untilMs, TimersPerBucket, nextMs, cancel);
            await Failpoints.PassAsync(Failpoint.TimersAfter);
            for (var i = 0; i < buckets.Count; i++) _storedMs[buckets[i]] = nextMs[i];
            if (due.Count > 0) woken += await WakeAsync(due, prefetch, isAlone, cancel);
            foreach (var bucket in buckets) NoteLeft(bucket, untilMs);
        }
        return woken;
    }

    // What is due in a bucket and was left to others must be gone the next time, or nobody does it.
    private void NoteLeft(int bucket, long untilMs)
    {
        ref var left = ref _left[bucket];
        if (_storedMs[bucket] > untilMs) left = default;
        else if (left.TimeMs != _storedMs[bucket] || left.Since == 0) left = (_storedMs[bucket], Math.Max(1, _time.GetTimestamp()));
    }

    private bool IsLeftBehind(int bucket) => _left[bucket].Since != 0 && _time.GetElapsedTime(_left[bucket].Since) >= Grace;

    private List<int> BucketsDue(long untilMs)
    {
        var buckets = new List<int>();
        for (var i = 0; i < BucketCount && buckets.Count < BucketsPerLook; i++)
        {
            var bucket = _nextBucket = (_nextBucket + 1) % BucketCount;
            if (_storedMs[bucket] <= untilMs) buckets.Add(bucket);
        }
        return buckets;
    }

    private async ValueTask<int> WakeAsync(List<DueTimer> due, CellPrefetch prefetch, bool isAlone, CancellationToken cancel)
    {
        // Who published a customer last is to wake it, as long as that process lives; others leave it alone for a while.
        var isOurs = due.ConvertAll(d => isAlone || _isEnding || IsLeftBehind(d.Customer.Bucket));
        var found = await prefetch.BringAsync(due.ConvertAll(d => d.Customer), isOurs, cancel);
        var woken = 0;
        for (var i = 0; i < due.Count; i++)
        {
            if (found[i].Node >= 0 && !found[i].IsStale)
            {
                _state.Mark(found[i].Node, CellFlags.Due);
                woken++;
                continue;
            }
            // Not in memory, or in an older state than is stored: it stays due.
            ref var storedMs = ref _storedMs[due[i].Customer.Bucket];
            storedMs = Math.Min(storedMs, due[i].TimeMs);
            MetStale |= isOurs[i] && found[i].IsStale;
        }
        return woken;
    }

    /// <summary>Somebody is due of whom memory holds an older state than the store: it must be forgotten first.</summary>
    public bool MetStale { get; private set; }

    // Node numbers are void; and the store knows all timers.
    private void Forget()
    {
        _generation = _state.Generation;
        _queue.Clear();
        _firedMs = long.MaxValue;
        MetStale = false;
        ForgetStored();
    }

    private void ForgetStored()
    {
        Array.Fill(_storedMs, long.MinValue);
        _sweptAt = _time.GetTimestamp();
    }
}
