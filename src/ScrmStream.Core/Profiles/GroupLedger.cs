namespace ScrmStream.Profiles;

/// <summary>How a cap scales the points of a period.</summary>
internal static class Cap
{
    /// <summary>min(1, cap / |raw sum|); a cap of 0 is none.</summary>
    public static double Factor(double rawMicro, double capMicro) =>
        capMicro > 0 && Math.Abs(rawMicro) > capMicro ? capMicro / Math.Abs(rawMicro) : 1;
}

/// <summary>
/// The points of a group of entries by calendar period, as their own caps leave them: the sum as it was when earned, and as it is now.
/// Scratch of one thread, reused.
/// </summary>
public sealed class GroupLedger
{
    private int[] _periods = new int[16];
    private (double Raw, double Now)[] _sums = new (double, double)[16];
    private int _count;
    private CalendarUnit _unit;

    /// <summary>Begins a group whose cap counts in a unit.</summary>
    public void Start(CalendarUnit unit)
    {
        _unit = unit;
        _count = 0;
    }

    /// <summary>Adds what an entry gave in one of its periods: a period of the group's unit, or a day.</summary>
    internal void Add(CalendarUnit unit, int period, double rawMicro, double nowMicro)
    {
        if (unit != _unit) period = CalendarPeriod.OfDay(_unit, period);
        // Entries come period by period, so the last one is most often meant.
        var i = _count > 0 && _periods[_count - 1] == period ? _count - 1 : Array.BinarySearch(_periods, 0, _count, period);
        if (i < 0) Insert(i = ~i, period);
        ref var sum = ref _sums[i];
        sum = (sum.Raw + rawMicro, sum.Now + nowMicro);
    }

    /// <summary>The sum over all periods, each scaled by the group's cap.</summary>
    internal double Total(long capMicro)
    {
        var total = 0.0;
        for (var i = 0; i < _count; i++) total += _sums[i].Now * Cap.Factor(_sums[i].Raw, capMicro);
        return total;
    }

    private void Insert(int i, int period)
    {
        if (_count == _periods.Length)
        {
            Array.Resize(ref _periods, _count * 2);
            Array.Resize(ref _sums, _count * 2);
        }
        _periods.AsSpan(i, _count - i).CopyTo(_periods.AsSpan(i + 1));
        _sums.AsSpan(i, _count - i).CopyTo(_sums.AsSpan(i + 1));
        _periods[i] = period;
        _sums[i] = default;
        _count++;
    }
}
