namespace ScrmStream.Profiles;

/// <summary>
/// The entries of one <see cref="CappedWeights"/> over all shards of a customer, in order, equal ones added up. Scratch of one
/// thread, reused.
/// </summary>
public sealed class PeriodLedger
{
    private Part[] _parts = new Part[16];
    private int _payloads;

    internal readonly record struct Part(int Period, int Epoch, long Events, Int128 Weights) : IComparable<Part>
    {
        public int CompareTo(Part other) => Period != other.Period ? Period.CompareTo(other.Period) : Epoch.CompareTo(other.Epoch);
    }

    public int Count { get; private set; }

    internal ref readonly Part this[int i] => ref _parts[i];

    public void Clear() => Count = _payloads = 0;

    internal void Add(ReadOnlySpan<byte> payload)
    {
        var parts = CappedWeights.PartsIn(payload);
        if (parts == 0) return;
        if (Count + parts > _parts.Length) Array.Resize(ref _parts, Math.Max(Count + parts, _parts.Length * 2));
        for (var i = 0; i < parts; i++) _parts[Count++] = CappedWeights.ReadPart(payload, i);
        _payloads++;
    }

    /// <summary>
    /// Sorts, adds up and applies the limits of one shard to the whole, so that it does not matter over how many shards the events
    /// were spread.
    /// </summary>
    internal void Seal()
    {
        if (_payloads <= 1) return;
        _parts.AsSpan(0, Count).Sort();
        var kept = 0;
        for (var i = 0; i < Count; i++)
        {
            if (kept > 0 && _parts[kept - 1].CompareTo(_parts[i]) == 0)
            {
                ref var same = ref _parts[kept - 1];
                same = same with { Events = same.Events + _parts[i].Events, Weights = same.Weights + _parts[i].Weights };
            }
            else _parts[kept++] = _parts[i];
        }
        var oldestEpoch = _parts[kept - 1].Epoch - (DecayedPoints.EpochsKept - 1);
        var drop = Math.Max(0, kept - CappedWeights.EntriesMax);
        while (_parts[drop].Epoch < oldestEpoch) drop++;
        _parts.AsSpan(drop, kept - drop).CopyTo(_parts);
        Count = kept - drop;
    }
}
