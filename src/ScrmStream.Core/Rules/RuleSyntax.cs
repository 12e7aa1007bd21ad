using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>Where something stands in a rule file.</summary>
internal sealed record Place(string File, int Line, int Column)
{
    public RuleFileException Error(string reason) => new(File, Line, Column, reason);
}

/// <summary>A parsed expression and where it came from.</summary>
/// <param name="OneLine">The place is that of the expression's first character, and it does not span lines.</param>
internal sealed record Located<T>(T Syntax, Place Place, bool OneLine)
{
    public RuleFileException Error(ExpressionException e) =>
        OneLine ? new RuleFileException(Place.File, Place.Line, Place.Column + e.Position, e.Message) : Place.Error(e.Message);
}

internal sealed record GroupValue(string Value, Located<ConditionSyntax> When);

internal sealed record TagSyntax(
    string Name, Place Place, string Description, long ExpiresMs, Located<ConditionSyntax>? When, Located<ValueSyntax>? Value,
    IReadOnlyList<GroupValue> Values)
{
    public TagKind Kind => Values.Count > 0 ? TagKind.Group : Value is null ? TagKind.Boolean : TagKind.Valued;

    public IEnumerable<Located<ConditionSyntax>> Conditions => When is null ? Values.Select(v => v.When) : [When];

    public string Text =>
        $"tag {Name}"
        + (When is null ? "" : $" when {When.Syntax.Text}")
        + (Value is null ? "" : $" value {Value.Syntax.Text}")
        + string.Concat(Values.Select(v => $" {EventFilter.Quote(v.Value)}: {v.When.Syntax.Text}"))
        + (ExpiresMs == 0 ? "" : $" expires {RuleDuration.Format(ExpiresMs)}");
}

/// <summary>Points for events that pass a filter; a cap of 0 means none.</summary>
internal sealed record PointsSyntax(EventFilter Filter, long AddMicro, long CapMicro, CalendarUnit Unit, Place Place)
{
    public string Text => $"{Filter.Text} add {AddMicro}u" + (CapMicro == 0 ? "" : $" cap {CapMicro}u per {Unit}");
}

internal sealed record ScoreSyntax(
    string Name, Place Place, string Description, long HalfLifeMs, IReadOnlyList<PointsSyntax> Points, IReadOnlyList<Grade> Grades)
{
    public string Text =>
        $"score {Name} half_life {HalfLifeMs}"
        + string.Concat(Points.Select(p => $"; {p.Text}"))
        + string.Concat(Grades.Select(g => $"; {EventFilter.Quote(g.Name)} {g.FromMicroPoints}u"));
}

internal sealed record RuleFileSyntax(IReadOnlyList<TagSyntax> Tags, IReadOnlyList<ScoreSyntax> Scores);
