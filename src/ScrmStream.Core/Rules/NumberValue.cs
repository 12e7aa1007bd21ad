using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>A number made of a customer's events, as the value of a tag. Immutable.</summary>
internal abstract class NumberValue
{
    /// <summary>The number in micro; false while no event counts.</summary>
    public abstract bool TryGet(Evaluation v, long atMs, out Int128 micro);

    public static NumberValue Of(NumberValueSyntax syntax, RuleBinder binder)
    {
        var (field, filter, window) = (syntax.Field!, syntax.Filter, syntax.Window);
        const int keep = TimeList.KeepMax;
        switch (syntax.Kind)
        {
            case MeasureKind.Count when window.IsEver:
                return new CountOf(binder.Use(new EventCount(filter.Text), filter));
            case MeasureKind.Count:
                return new EntriesOf(binder.Use(new LatestTimes(filter.Text, keep, window.HorizonMs), filter), window);
            case MeasureKind.Distinct when window.IsEver:
                return new DistinctOf(binder.Use(new DistinctValues(field, filter.Text), filter));
            case MeasureKind.Distinct:
                return new EntriesOf(binder.Use(LatestPerKey.OfValues(field, filter.Text, keep, window.HorizonMs), filter), window);
            case MeasureKind.Days:
                var days = LatestPerKey.OfDays(binder.Zone, filter.Text, keep, window.HorizonMs);
                return new EntriesOf(binder.Use(days, filter), window);
            case MeasureKind.DaysInRow:
                var horizonMs = VarietySyntax.RowHorizonMs(keep);
                days = LatestPerKey.OfDays(binder.Zone, filter.Text, keep, horizonMs);
                return new RowOf(binder.Use(days, filter), binder.Zone);
            case MeasureKind.Sum when window.IsEver:
                return new SumOf(binder.Use(new FieldSum(field, filter.Text), filter));
        }
        return window.IsEver
            ? new SummaryOf(binder.Use(new FieldSummary(field, filter.Text), filter), syntax.Kind)
            : new MeasureOf(binder.Use(new LatestValues(field, filter.Text, window.HorizonMs), filter), window, syntax.Kind);
    }

    private static Int128 Mean(Int128 sum, long count) => Micro.DivideToNearest(sum, count);

    private sealed class CountOf(EventCount count) : NumberValue
    {
        public override bool TryGet(Evaluation v, long atMs, out Int128 micro)
        {
            micro = Micro.From(count.Total(v.Shards));
            return micro > 0;
        }
    }

    private sealed class DistinctOf(DistinctValues values) : NumberValue
    {
        public override bool TryGet(Evaluation v, long atMs, out Int128 micro)
        {
            micro = Micro.From(values.Count(v.Shards));
            return micro > 0;
        }
    }

    private sealed class RowOf(LatestPerKey days, CalendarZone zone) : NumberValue
    {
        public override bool TryGet(Evaluation v, long atMs, out Int128 micro)
        {
            micro = Micro.From(DaysInRowCondition.RowAt(days, zone, v, atMs));
            return micro > 0;
        }
    }

    private sealed class SumOf(FieldSum sum) : NumberValue
    {
        public override bool TryGet(Evaluation v, long atMs, out Int128 micro) => sum.TryTotal(v.Shards, out micro);
    }

    private sealed class SummaryOf(FieldSummary summary, MeasureKind kind) : NumberValue
    {
        public override bool TryGet(Evaluation v, long atMs, out Int128 micro)
        {
            var all = summary.Of(v.Shards);
            micro = all.Events == 0 ? 0
                : kind switch { MeasureKind.Min => all.Least, MeasureKind.Max => all.Greatest, _ => Mean(all.Sum, all.Events) };
            return all.Events > 0;
        }
    }

    private sealed class EntriesOf(TimeList list, Window window) : NumberValue
    {
        public override bool TryGet(Evaluation v, long atMs, out Int128 micro)
        {
            list.Load(v.Shards, v.Scratch);
            var first = v.Scratch.UpTo(window.AfterMs(atMs));
            micro = Micro.From(v.Scratch.Count - first);
            if (micro > 0) v.MayChangeAt(window.LeavesAt(v.Scratch.TimeMs(first)));
            return micro > 0;
        }
    }

    private sealed class MeasureOf(LatestValues values, Window window, MeasureKind kind) : NumberValue
    {
        public override bool TryGet(Evaluation v, long atMs, out Int128 micro)
        {
            var line = v.Scratch;
            values.Load(v.Shards, line);
            line.SealExtremes();
            var first = line.UpTo(window.AfterMs(atMs));
            micro = 0;
            if (first == line.Count) return false;
            v.MayChangeAt(window.LeavesAt(line.TimeMs(first)));
            micro = kind switch
            {
                MeasureKind.Sum => line.SumFrom(first),
                MeasureKind.Min => line.LeastFrom(first),
                MeasureKind.Max => line.GreatestFrom(first),
                _ => Mean(line.SumFrom(first), line.Count - first),
            };
            return true;
        }
    }
}
