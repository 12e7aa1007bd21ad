using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>
/// Decides what a score keeps: sums where they tell everything, and the list of events where a moment's points depend on each event's own
/// age, or where the past decides about a grade.
/// </summary>
internal sealed class ScoreCompiler(RuleBinder binder, ScoreSyntax score)
{
    private readonly Fading _fading = new(score.HalfLifeMs, score.LinearMs, score.Steps);
    private readonly GroupRule[] _groups = [.. score.Groups];

    public ScoreRule Compile()
    {
        var sums = _fading.NeedsEvents ? null : Sums();
        var list = _fading.NeedsEvents || score.HysteresisMicro > 0 ? List() : null;
        var parts = new ScoreParts([.. score.Points.Select(p => (p.Filter, RuleOf(p)))], _groups, _fading, binder.Zone);
        return new ScoreRule(score, parts, sums, list);
    }

    private SummedPoints Sums()
    {
        var uncapped = score.Points.Where(p => !RuleOf(p).IsCounted).OrderBy(p => p.Text, StringComparer.Ordinal).ToList();
        var points = uncapped.Count == 0 ? null : binder.Use(
            new DecayedPoints(_fading.Clock, string.Join("; ", uncapped.Select(p => p.Text))),
            [.. uncapped.Select(p => (p.Filter, p.AddMicro))]);
        var capped = score.Points.Where(p => RuleOf(p).IsCounted).Select(p => new CappedEntry(
            binder.Use(new CappedWeights(_fading.Clock, RuleOf(p).Unit, binder.Zone, p.Filter.Text), p.Filter), RuleOf(p)));
        return new SummedPoints(points, [.. capped], _groups);
    }

    private ListedPoints List()
    {
        var entries = score.Points.OrderBy(p => p.Filter.Text, StringComparer.Ordinal).ToList();
        var times = new PointTimes(string.Join("; ", entries.Select(p => p.Filter.Text)), HorizonMs());
        binder.Use(times, [.. entries.Select((p, i) => (p.Filter, (long)i))]);
        return new ListedPoints(times, [.. entries.Select(RuleOf)], _groups, _fading, binder.Zone);
    }

    // A cap counts whole periods, and a grade may have been reached long ago.
    private long HorizonMs()
    {
        if (score.HysteresisMicro > 0) return Window.Ever.HorizonMs;
        var isCounted = score.Points.Any(p => RuleOf(p).IsCounted);
        return _fading.EndsMs + (isCounted ? new CalendarWindow(CalendarUnit.Month, binder.Zone).HorizonMs : 0);
    }

    private PointRule RuleOf(PointsSyntax points)
    {
        var group = Array.FindIndex(_groups, g => g.Name == points.Group);
        return new PointRule(points.AddMicro, points.CapMicro, points.CapMicro > 0 || group < 0 ? points.Unit : _groups[group].Unit, group);
    }
}
