namespace ScrmStream.Profiles;

/// <summary>
/// The entries of one list aggregate over all shards of a customer, in order of time, ready to be counted or summed between any two
/// times. Scratch of one thread, reused; it grows to what was needed once.
/// </summary>
public sealed class Timeline
{
    private Entry[] _entries = new Entry[16];
    private Int128[] _sums = new Int128[16];
    private Int128[] _least = [], _greatest = [];
    private int _parts;

    private readonly record struct Entry(long TimeMs, Int128 Value) : IComparable<Entry>
    {
        public int CompareTo(Entry other) =>
            TimeMs != other.TimeMs ? TimeMs.CompareTo(other.TimeMs) : Value.CompareTo(other.Value);
    }

    public int Count { get; private set; }

    public long TimeMs(int i) => _entries[i].TimeMs;

    public Int128 Value(int i) => _entries[i].Value;

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

    internal void Add(long timeMs, Int128 value)
    {
        if (Count == _entries.Length) Array.Resize(ref _entries, Count * 2);
        _entries[Count++] = new Entry(timeMs, value);
        _parts = 2;
    }

    /// <summary>
    /// The same for entries that stand for a value each (a key): of each key only the latest is left.
    /// </summary>
    internal void SealPerKey(int keep)
    {
        var entries = _entries.AsSpan(0, Count);
        entries.Sort(static (a, b) => a.Value != b.Value ? a.Value.CompareTo(b.Value) : a.TimeMs.CompareTo(b.TimeMs));
        var kept = 0;
        for (var i = 0; i < Count; i++)
        {
            if (i + 1 == Count || entries[i + 1].Value != entries[i].Value) entries[kept++] = entries[i];
        }
        Count = kept;
        Seal(keep);
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

    /// <summary>Makes the extremes from every entry to the last known; call it when sealed.</summary>
    internal void SealExtremes()
    {
        if (_least.Length < Count) (_least, _greatest) = (new Int128[_entries.Length], new Int128[_entries.Length]);
        for (var i = Count - 1; i >= 0; i--)
        {
            var value = _entries[i].Value;
            _least[i] = i + 1 < Count ? Int128.Min(value, _least[i + 1]) : value;
            _greatest[i] = i + 1 < Count ? Int128.Max(value, _greatest[i + 1]) : value;
        }
    }

    /// <summary>The least value from an entry on.</summary>
    public Int128 LeastFrom(int first) => _least[first];

    /// <summary>The greatest value from an entry on.</summary>
    public Int128 GreatestFrom(int first) => _greatest[first];

    /// <summary>The sum of the values from an entry on.</summary>
    public Int128 SumFrom(int first) => _sums[Count] - _sums[first];

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
