using System.Buffers.Binary;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline.Memory;

/// <summary>Views in memory, for replay over files and for tests; it ends with the process. Calls may come from any thread.</summary>
public sealed class MemoryViewStore : IViewStore
{
    private const int IdBytes = 16;
    private const int EntryBytes = 24;

    private readonly Dictionary<IdentifierId, MemoryView> _views = [];
    private readonly Lock _lock = new();

    public Task<IReadOnlyList<int>> PublishAsync(IReadOnlyList<ViewWrite> views, ByteArena arena, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        List<int> refused = [];
        lock (_lock)
        {
            for (var i = 0; i < views.Count; i++)
            {
                var write = views[i];
                var stored = _views.GetValueOrDefault(write.Id);
                if (stored is not null && stored.Stamp == write.Stamp) continue;   // the same write, sent again
                if (stored is not null && !IsSoleWriter && IsHigher(stored.Vector, arena[write.Vector]))
                {
                    refused.Add(i);
                    continue;
                }
                var keepsTags = !write.TagsChanged && stored is not null && stored.Stamp == write.ExpectedStamp;
                _views[write.Id] = new MemoryView(write, arena, keepsTags ? stored : null);
            }
        }
        return Task.FromResult<IReadOnlyList<int>>(refused);
    }

    /// <summary>
    /// Set by who knows that one pipeline alone uses the stores. While it is so nothing is compared: neither vectors nor cells' versions.
    /// </summary>
    public bool IsSoleWriter { get; set; }

    public ulong WriterEpoch { get; init; }

    public Task<StoreTotals> CountAsync(CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        long customers = 0, tags = 0;
        lock (_lock)
        {
            foreach (var view in _views.Values)
            {
                if (view.Form != ViewForm.Customer) continue;
                customers++;
                tags += view.TagCount;
            }
        }
        return Task.FromResult(new StoreTotals(CountCells?.Invoke() ?? 0, customers, tags));
    }

    /// <summary>The view of an identifier; null when none was published.</summary>
    public MemoryView? Find(IdentifierId id)
    {
        lock (_lock) return _views.GetValueOrDefault(id);
    }

    /// <summary>All customers in order of id, as of this call.</summary>
    public IReadOnlyList<(IdentifierId Id, MemoryView View)> Customers()
    {
        lock (_lock)
        {
            return [.. _views.Where(v => v.Value.Form == ViewForm.Customer).OrderBy(v => v.Key).Select(v => (v.Key, v.Value))];
        }
    }

    /// <summary>The customers of some buckets that change by themselves, and when (Unix milliseconds).</summary>
    internal List<(IdentifierId Id, long TimeMs)> TimersOf(IReadOnlyCollection<int> buckets)
    {
        lock (_lock)
        {
            var timed = _views.Where(v => v.Value.TimerMs != long.MaxValue && buckets.Contains(v.Key.Bucket));
            return [.. timed.Select(v => (v.Key, v.Value.TimerMs))];
        }
    }

    /// <summary>Set by the cell store that stands beside it.</summary>
    internal Func<long>? CountCells { get; set; }

    internal (ulong Stamp, byte[] Conclusion) Head(IdentifierId id)
    {
        lock (_lock) return _views.TryGetValue(id, out var view) ? (view.Stamp, view.Conclusion) : (0, []);
    }

    // True when a cell that both derivations read has a higher version in the stored vector than in the offered one, or none was
    // offered.
    private static bool IsHigher(ReadOnlySpan<byte> stored, ReadOnlySpan<byte> offered)
    {
        if (offered.IsEmpty) return !stored.IsEmpty;
        for (; !stored.IsEmpty; stored = stored[EntryBytes..])
        {
            var version = BinaryPrimitives.ReadUInt64BigEndian(stored[IdBytes..]);
            for (var rest = offered; !rest.IsEmpty; rest = rest[EntryBytes..])
            {
                if (!rest[..IdBytes].SequenceEqual(stored[..IdBytes])) continue;
                if (version > BinaryPrimitives.ReadUInt64BigEndian(rest[IdBytes..])) return true;
                break;
            }
        }
        return false;
    }
}
