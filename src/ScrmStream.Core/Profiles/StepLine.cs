namespace ScrmStream.Profiles;

/// <summary>One event of a sequence: when, which step, and for which key.</summary>
public readonly record struct StepEntry(long TimeMs, byte Step, ulong Key) : IComparable<StepEntry>
{
    public int CompareTo(StepEntry other)
    {
        var order = TimeMs.CompareTo(other.TimeMs);
        if (order == 0) order = Step.CompareTo(other.Step);
        return order != 0 ? order : Key.CompareTo(other.Key);
    }
}

/// <summary>
/// The entries of one <see cref="StepTimes"/> over all shards of a customer, one key after the other, each in order of time. Scratch of
/// one thread, reused.
/// </summary>
public sealed class StepLine
{
    private StepEntry[] _entries = new StepEntry[32];

    public int Count { get; private set; }

    public ref readonly StepEntry this[int i] => ref _entries[i];

    public void Clear() => Count = 0;

    internal void Add(StepEntry entry)
    {
        if (Count == _entries.Length) Array.Resize(ref _entries, Count * 2);
        _entries[Count++] = entry;
    }

    /// <summary>Applies the limits of one shard to the whole, so that it does not matter over how many the events were spread.</summary>
    internal void Seal(int keep)
    {
        var entries = _entries.AsSpan(0, Count);
        entries.Sort();
        var kept = 0;
        for (var i = 0; i < Count; i++)
        {
            if (i == 0 || entries[i] != entries[i - 1]) entries[kept++] = entries[i];
        }
        if (kept > keep) entries[(kept - keep)..kept].CopyTo(entries);
        Count = Math.Min(kept, keep);
        _entries.AsSpan(0, Count).Sort(static (a, b) => a.Key != b.Key ? a.Key.CompareTo(b.Key) : a.CompareTo(b));
    }
}
