using ScrmStream.Pipeline.Timers;

namespace ScrmStream.Pipeline.Memory;

/// <summary>Timers of views in memory, and their common time; it ends with the process. Calls may come from any thread.</summary>
public sealed class MemoryTimerStore(MemoryViewStore views, TimeProvider time) : ITimerStore
{
    private static readonly TimeSpan GoneAfter = TimeSpan.FromSeconds(30);

    private readonly Dictionary<ulong, (WatermarkReport Report, long At)> _reports = [];
    private readonly Lock _lock = new();
    private long _markMs = long.MinValue, _greatestMs = long.MinValue;

    public Task<long> AdvanceAsync(WatermarkReport report, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        lock (_lock)
        {
            if (report.IsAlone) _reports.Clear();
            _reports[report.Writer] = (report, time.GetTimestamp());
            if (report.State is WatermarkState.None or WatermarkState.Final) _reports.Remove(report.Writer);
            foreach (var (writer, (_, at)) in _reports)
                if (time.GetElapsedTime(at) >= GoneAfter) _reports.Remove(writer);
            _greatestMs = Math.Max(_greatestMs, report.GreatestMs);
            var commonMs = report.State == WatermarkState.Final ? _greatestMs : CommonMs();
            return Task.FromResult(_markMs = Math.Max(_markMs, commonMs));
        }
    }

    public Task<List<DueTimer>> DueAsync(
        IReadOnlyList<int> buckets, long untilMs, int perBucketMax, long[] nextMs, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var found = views.TimersOf(buckets.ToHashSet()).ToLookup(t => t.Id.Bucket);
        var due = new List<DueTimer>();
        for (var i = 0; i < buckets.Count; i++)
        {
            nextMs[i] = long.MaxValue;
            if (!found.Contains(buckets[i])) continue;
            var timers = found[buckets[i]].OrderBy(t => t.TimeMs).ThenBy(t => t.Id).ToList();
            var count = Math.Min(perBucketMax, timers.Count(t => t.TimeMs <= untilMs));
            due.AddRange(timers.Take(count).Select(t => new DueTimer(t.Id, t.TimeMs)));
            if (count < timers.Count) nextMs[i] = timers[count].TimeMs;
        }
        return Task.FromResult(due);
    }

    private long CommonMs()
    {
        var states = _reports.Values.Select(r => r.Report).ToList();
        if (states.Exists(r => r.State == WatermarkState.Holding)) return long.MinValue;
        var active = states.FindAll(r => r.State == WatermarkState.Active);
        if (active.Count > 0) return active.Min(r => r.TimeMs);
        return states.Where(r => r.State == WatermarkState.Idle).Select(r => r.TimeMs).DefaultIfEmpty(long.MinValue).Max();
    }
}
