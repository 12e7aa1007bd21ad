using ScrmStream.Profiles;

namespace ScrmStream.Rules.Actions;

/// <summary>
/// Compiles actions: their conditions become tags of a rule set of their own, with the tags, attributes and scores that they refer to. What
/// that one folds is remembered event by event (<see cref="RecentEvents"/>), so that it can be asked about every moment.
/// </summary>
internal sealed class ActionCompiler
{
    private readonly RuleFileSyntax _file;
    private readonly List<TagSyntax> _watched = [];

    private ActionCompiler(RuleFileSyntax file) => _file = file;

    /// <exception cref="RuleFileException">With the place and the reason.</exception>
    public static ActionSet Compile(RuleFileSyntax file, MemoryLimits limits) => new ActionCompiler(file).Compile(limits);

    /// <summary>
    /// By action what it waits for: equal in two rule files when the same events are the same occasions, whatever else the files say.
    /// </summary>
    public static Dictionary<string, string> Meanings(RuleFileSyntax file) => file.Actions.ToDictionary(
        action => action.Name,
        action =>
        {
            var alone = Compile(file with { Actions = [action], Contact = ContactSyntax.Unlimited }, MemoryLimits.Run);
            return $"{action.Text}\n{alone.Watched.Fingerprint}";
        });

    private ActionSet Compile(MemoryLimits limits)
    {
        List<ActionRule> rules = [];
        foreach (var action in _file.Actions)
        {
            var when = Watch(new Located<ConditionSyntax>(action.When.Syntax.Condition, action.When.Place, action.When.OneLine));
            rules.Add(new ActionRule(action, when, action.If is null ? -1 : Watch(action.If)));
        }
        var never = _file.Contact.Never.Select(bar => (bar.Reason, Watch(bar.When))).ToList();
        var also = _file.Contact.Also is { } filter ? WatchContacts(filter) : -1;
        var compiler = new RuleCompiler(WithReferences(), apart: true);
        var watched = RuleSet.Of(compiler);
        try
        {
            return new ActionSet(
                rules, _file.Contact, watched, new RecentEvents(compiler.Steps, limits), limits.LateMs, never, also);
        }
        catch (ExpressionException e)
        {
            throw _file.Actions[0].Place.Error(e.Message);
        }
    }

    private int Watch(Located<ConditionSyntax> condition)
    {
        _watched.Add(new TagSyntax($"#{_watched.Count}", condition.Place, "", 0, TagKind.Boolean) { When = condition });
        return _watched.Count - 1;
    }

    private int WatchContacts(Located<EventFilter> filter)
    {
        foreach (var cap in _file.Contact.Caps)
        {
            var count = new NumberValueSyntax(0, MeasureKind.Count, null, filter.Syntax, Window.Sliding(cap.WithinMs));
            _watched.Add(new TagSyntax($"#{_watched.Count}", filter.Place, "", 0, TagKind.Valued)
            {
                Value = new Located<ValueSyntax>(count, filter.Place, filter.OneLine),
            });
        }
        return _watched.Count - _file.Contact.Caps.Count;
    }

    // The watched ones come first, so that their places are known.
    private RuleFileSyntax WithReferences()
    {
        List<TagSyntax> tags = [.. _watched];
        for (var i = 0; i < tags.Count; i++)
        {
            foreach (var condition in tags[i].Conditions)
                foreach (var reference in condition.Syntax.References) Add(tags, condition, reference);
        }
        HashSet<string> attributes = [.. tags.SelectMany(t => t.Conditions).SelectMany(c => c.Syntax.Attributes)];
        // A calculation uses attributes above it.
        foreach (var attribute in _file.Attributes.Reverse())
        {
            if (attributes.Contains(attribute.Name) && attribute.Value.Syntax is ArithmeticSyntax sum)
                attributes.UnionWith(sum.Root.Attributes);
        }
        HashSet<string> scores = [.. tags.SelectMany(t => t.Grid is { } grid ? (string[])[grid.Rows, grid.Columns] : [])];
        return _file with
        {
            Tags = tags, Attributes = [.. _file.Attributes.Where(a => attributes.Contains(a.Name))],
            Scores = [.. _file.Scores.Where(s => scores.Contains(s.Name))], KnownScores = _file.Scores, Pipelines = [],
        };
    }

    private void Add(List<TagSyntax> tags, Located<ConditionSyntax> condition, TagReferenceSyntax reference)
    {
        if (tags.Exists(t => t.Name == reference.Tag)) return;
        tags.Add(_file.Tags.FirstOrDefault(t => t.Name == reference.Tag) ?? throw condition.Error(new ExpressionException(
            reference.Position, $"there is no tag '{reference.Tag}'{Suggestion.Of(reference.Tag, _file.Tags.Select(t => t.Name))}")));
    }
}
