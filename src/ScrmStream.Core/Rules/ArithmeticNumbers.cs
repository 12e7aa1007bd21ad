using ScrmStream.Profiles;

namespace ScrmStream.Rules;

internal sealed class ConstantNumber(Int128 constant) : NumberValue
{
    public override bool TryGet(Evaluation v, long atMs, out Int128 micro)
    {
        micro = constant;
        return true;
    }
}

/// <summary>The calendar day of the moment; another one at midnight.</summary>
internal sealed class TodayNumber(CalendarZone zone) : NumberValue
{
    public override bool TryGet(Evaluation v, long atMs, out Int128 micro)
    {
        var today = zone.DayOf(atMs);
        v.MayChangeAt(zone.StartOfDay(today + 1));
        micro = Micro.From(today);
        return true;
    }
}

internal sealed class FirstDayNumber(FirstTime first, CalendarZone zone) : NumberValue
{
    public override bool TryGet(Evaluation v, long atMs, out Int128 micro)
    {
        var timeMs = first.Earliest(v.Shards);
        micro = timeMs == long.MaxValue ? 0 : Micro.From(zone.DayOf(timeMs));
        return timeMs != long.MaxValue;
    }
}

internal sealed class LastDayNumber(LatestTimes last, CalendarZone zone) : NumberValue
{
    public override bool TryGet(Evaluation v, long atMs, out Int128 micro)
    {
        var timeMs = last.Latest(v.Shards);
        micro = timeMs == long.MinValue ? 0 : Micro.From(zone.DayOf(timeMs));
        return timeMs != long.MinValue;
    }
}

/// <summary>An attribute that events give, read as a number; none where its text is none.</summary>
internal sealed class EdgeNumber(EdgeValue edge) : NumberValue
{
    public override bool TryGet(Evaluation v, long atMs, out Int128 micro)
    {
        micro = 0;
        return edge.TryGet(v.Shards, out var text, out _) && Micro.TryParse(text, out micro);
    }
}

internal sealed class DefaultNumber(NumberValue number, Int128 otherwise) : NumberValue
{
    public override bool TryGet(Evaluation v, long atMs, out Int128 micro)
    {
        if (!number.TryGet(v, atMs, out micro)) micro = otherwise;
        return true;
    }
}

/// <summary>
/// Two numbers with + - * or /. Where one is absent, a divisor is 0 or the result lies beyond what <see cref="Micro"/> holds, there is
/// none. Products and quotients are rounded to the nearest 10^-6, ties to even, so that no bit depends on the machine.
/// </summary>
internal sealed class OperationNumber(char operation, NumberValue left, NumberValue right) : NumberValue
{
    public override bool TryGet(Evaluation v, long atMs, out Int128 micro)
    {
        micro = 0;
        // Both are asked, so that both say when they change.
        var isThere = left.TryGet(v, atMs, out var a);
        if (!right.TryGet(v, atMs, out var b) || !isThere) return false;
        switch (operation)
        {
            case '+': micro = a + b; break;
            case '-': micro = a - b; break;
            case '*':
                if (!Micro.TryMultiply(a, b, out micro)) return false;
                break;
            default:
                if (!Micro.TryDivide(a, b, out micro)) return false;
                break;
        }
        return Micro.IsInRange(micro);
    }
}

/// <summary>A number compared; an absent one compares with nothing.</summary>
internal sealed class NumberCondition(NumberValue number, Comparison comparison, Int128 micro) : Condition
{
    public override bool Holds(Evaluation v, long atMs) => number.TryGet(v, atMs, out var found) && comparison.Holds(found, micro);
}

internal sealed class NumberExistsCondition(NumberValue number) : Condition
{
    public override bool Holds(Evaluation v, long atMs) => number.TryGet(v, atMs, out _);
}
