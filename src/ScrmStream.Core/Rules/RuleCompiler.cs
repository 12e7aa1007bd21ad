using System.Text;
using ScrmStream.Profiles;
using ScrmStream.Rules.Stages;

namespace ScrmStream.Rules;

/// <summary>Turns syntax into tags, scores and the steps that feed their aggregates.</summary>
internal sealed class RuleCompiler
{
    private readonly RuleFileSyntax _file;
    private readonly RuleBinder _binder;

    /// <param name="file">All rules that refer to each other.</param>
    /// <param name="apart">What the rules keep is to lie apart from what the same rules keep elsewhere.</param>
    public RuleCompiler(RuleFileSyntax file, bool apart = false)
    {
        _file = file;
        _binder = new RuleBinder(file, apart);
        TagOrder = OrderByReferences();
        Attributes = [.. file.Attributes.Select(Attribute)];
        Scores = [.. file.Scores.Select(Score)];
        Pipelines = [.. file.Pipelines.Select(p => new StageCompiler(_binder, p).Compile())];
        Tags = [.. file.Tags.Select(t => new TagRule(t, TagPlanOf(t), [.. _binder.Used.Distinct()], ChangesByItself(t)))];
    }

    public RuleFileSyntax Syntax => _file;
    public CalendarZone Zone => _file.Zone;
    public AttributeRule[] Attributes { get; }
    public TagRule[] Tags { get; }
    public ScoreRule[] Scores { get; }
    public LeadPipeline[] Pipelines { get; }
    /// <summary>Indexes of the tags, each after those it refers to.</summary>
    public int[] TagOrder { get; }
    public IReadOnlyList<FoldStep> Steps => _binder.Steps;
    public int Timelines => _binder.Timelines;

    private AttributeRule Attribute(AttributeRuleSyntax attribute, int i)
    {
        _binder.AttributesKnown = i;
        var rule = Bind(attribute.Value, v => v is ArithmeticSyntax arithmetic
            ? new AttributeRule(attribute, arithmetic.Root.Bind(_binder)) : new AttributeRule(attribute, Edge((EdgeValueSyntax)v)));
        _binder.AttributesKnown = i + 1;
        return rule;
    }

    private TagPlan TagPlanOf(TagSyntax tag)
    {
        _binder.StartTag(tag.ExpiresMs);
        if (tag.Grid is { } grid) return new GridPlan(ScoreOf(grid.Rows, tag.Place), ScoreOf(grid.Columns, tag.Place));
        if (tag.Kind == TagKind.Manual) return new ManualPlan(_binder.Use(new ManualMark(tag.Name), ManualFilter(tag.Name)), tag.ExpiresMs);
        if (tag.Values.Count > 0)
        {
            var values = tag.Values.Select(v => (Encoding.UTF8.GetBytes(v.Value), Bind(v.When, c => c.Bind(_binder)))).ToArray();
            return tag.Kind == TagKind.Set ? new SetPlan(values) : new GroupPlan(values);
        }
        if (tag.ExpiresMs == 0)
        {
            var when = tag.When is null ? null : Bind(tag.When, c => c.Bind(_binder));
            return tag.Value is null ? new BooleanPlan(when!) : Bind(tag.Value, v => ValuePlan(v, when));
        }
        var value = tag.Value is null ? null : (EdgeValuePlan)Bind(tag.Value, v => ValuePlan(v, null));
        var condition = tag.When is null ? new LatestOfValue(EdgeOf(tag.Value!)) : Bind(tag.When, Expiring);
        return new ExpiringPlan(condition, tag.ExpiresMs, value);
    }

    private bool ChangesByItself(TagSyntax tag) => tag.ChangesByItself || tag.Kind == TagKind.Grid
        || tag.Conditions.SelectMany(c => c.Syntax.Attributes).Any(_binder.AttributeChangesByItself)
        || tag.Conditions.SelectMany(c => c.Syntax.References).Any(r => ChangesByItself(_file.Tags[_binder.TagIndex(r.Tag)]));

    private static EventFilter ManualFilter(string tag) => EventFilter.All(
    [
        new EventNameFilter([ManualMark.SetEvent, ManualMark.UnsetEvent]), new TextFilter(EventField.TryFind("properties.tag")!, [tag]),
    ]);

    private ExpiringCondition Expiring(ConditionSyntax when)
    {
        if (when is CountSyntax { IsThreshold: true } count && (count.Threshold == 1 || count.Window.IsEver))
        {
            var latest = _binder.Use(new LatestTimes(count.Filter.Text, 1, 1), count.Filter);
            var enough = count.Threshold == 1 ? null : _binder.Use(new EventCount(count.Filter.Text), count.Filter);
            return new LatestEvent(latest, enough, count.Threshold);
        }
        var condition = when.Bind(_binder);
        if (_binder.EarlierLists.Length == 0)
        {
            throw new ExpressionException(when.Position, "a tag that expires needs a seen, count or sum that makes it true");
        }
        return new EarlierTimes(condition, _binder.EarlierLists, _binder.ExpiresMs);
    }

    private TagPlan ValuePlan(ValueSyntax syntax, Condition? when)
    {
        if (syntax is EdgeValueSyntax edge) return new EdgeValuePlan(when, Edge(edge), edge.Window);
        return new NumberPlan(when, NumberValue.Of((NumberValueSyntax)syntax, _binder));
    }

    private EdgeValue EdgeOf(Located<ValueSyntax> value) => Edge((EdgeValueSyntax)value.Syntax);

    private EdgeValue Edge(EdgeValueSyntax edge) => _binder.Use(new EdgeValue(edge.IsLast, edge.Field, edge.Filter.Text), edge.Filter);

    private ScoreRule ScoreOf(string name, Place place) => Scores.FirstOrDefault(s => s.Name == name)
        ?? throw place.Error($"there is no score '{name}'{Suggestion.Of(name, Scores.Select(s => s.Name))}");

    private ScoreRule Score(ScoreSyntax score)
    {
        try
        {
            return new ScoreCompiler(_binder, score).Compile();
        }
        catch (ExpressionException e)
        {
            throw score.Place.Error(e.Message);
        }
    }

    private static TOut Bind<TIn, TOut>(Located<TIn> located, Func<TIn, TOut> bind)
    {
        try
        {
            return bind(located.Syntax);
        }
        catch (ExpressionException e)
        {
            throw located.Error(e);
        }
    }

    private int[] OrderByReferences()
    {
        List<int> order = [];
        for (var i = 0; i < _file.Tags.Count; i++) Visit(i, [], order);
        return [.. order];
    }

    // Each tag after those it refers to; a tag on its own path closes a circle.
    private void Visit(int tag, List<int> path, List<int> order)
    {
        if (order.Contains(tag)) return;
        path.Add(tag);
        foreach (var condition in _file.Tags[tag].Conditions)
        {
            foreach (var reference in condition.Syntax.References)
            {
                var target = _file.Tags.ToList().FindIndex(t => t.Name == reference.Tag);
                if (target < 0)
                {
                    var suggestion = Suggestion.Of(reference.Tag, _file.Tags.Select(t => t.Name));
                    throw condition.Error(new ExpressionException(reference.Position, $"there is no tag '{reference.Tag}'{suggestion}"));
                }
                if (path.Contains(target))
                {
                    var circle = path[path.IndexOf(target)..].Append(target).Select(t => _file.Tags[t].Name);
                    throw condition.Error(new ExpressionException(
                        reference.Position, $"tags refer to each other in a circle: {string.Join(" -> ", circle)}; one of them has to "
                        + "ask for events instead"));
                }
                Visit(target, path, order);
            }
        }
        path.RemoveAt(path.Count - 1);
        order.Add(tag);
    }
}
