namespace ScrmStream.Profiles;

/// <summary>
/// The entries of one list aggregate over all shards of a customer, in order of time, ready to be counted or summed between any two
/// times. Scratch of one thread, reused; it grows to what was needed once.
/// </summary>
public sealed class Timeline
{
    private Entry[] _entries = new Entry[16];
    private Int128[] _sums = new Int128[16];
    private int _parts;

    private readonly record struct Entry(long TimeMs, Int128 Value) : IComparable<Entry>
    {
        public int CompareTo(Entry other) =>
            TimeMs != other.TimeMs ? TimeMs.CompareTo(other.TimeMs) : Value.CompareTo(other.Value);
    }

    public int Count { get; private set; }

    public long TimeMs(int i) => _entries[i].TimeMs;

    public void Clear() => Count = _parts = 0;

    internal void Add(ReadOnlySpan<byte> payload, int entryBytes)
    {
        if (payload.IsEmpty) return;
        var added = payload.Length / entryBytes;
        if (Count + added > _entries.Length) Array.Resize(ref _entries, Math.Max(Count + added, _entries.Length * 2));
        for (var at = 0; at < payload.Length; at += entryBytes)
        {
            var value = entryBytes == SortedEntries.ValueEntryBytes ? SortedEntries.ReadValue(payload[at..]) : 1;
            _entries[Count++] = new Entry(StoredTime.Read(payload[at..]), value);
        }
        _parts++;
    }

    /// <summary>
    /// Sorts, and keeps only the latest entries: the same limit as in one shard, so that it does not matter over how many shards the
    /// events were spread.
    /// </summary>
    internal void Seal(int keep)
    {
        if (_parts > 1) _entries.AsSpan(0, Count).Sort();
        if (Count > keep)
        {
            _entries.AsSpan(Count - keep, keep).CopyTo(_entries);
            Count = keep;
        }
        if (_sums.Length <= Count) _sums = new Int128[_entries.Length + 1];
        for (var i = 0; i < Count; i++) _sums[i + 1] = _sums[i] + _entries[i].Value;
    }

    /// <summary>Sum of the values with afterMs &lt; time &lt;= upToMs; of a list of times, their number.</summary>
    public Int128 Sum(long afterMs, long upToMs) => _sums[UpTo(upToMs)] - _sums[UpTo(afterMs)];

    /// <summary>Number of entries with afterMs &lt; time &lt;= upToMs.</summary>
    public int CountBetween(long afterMs, long upToMs) => UpTo(upToMs) - UpTo(afterMs);

    /// <summary>Number of entries at or before a time.</summary>
    public int UpTo(long timeMs)
    {
        int low = 0, high = Count;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_entries[middle].TimeMs <= timeMs) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
