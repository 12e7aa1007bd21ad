using ScrmStream.Profiles;
using ScrmStream.Rules.Actions;
using ScrmStream.Rules.Stages;

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

/// <summary>What an attribute may hold, so that a comparison that can never hold is refused; <see cref="Any"/> says nothing.</summary>
internal enum AttributeType : byte { Any, Text, Number, Boolean, Date }

/// <param name="Value">An <see cref="EdgeValueSyntax"/> or an <see cref="ArithmeticSyntax"/>, which may use attributes above it.</param>
internal sealed record AttributeRuleSyntax(string Name, Place Place, AttributeType Type, Located<ValueSyntax> Value)
{
    public string Text => $"attribute {Name} {Type} {Value.Syntax.Text}";
}

internal sealed record GroupValue(string Value, Located<ConditionSyntax> When);

internal sealed record TagSyntax(string Name, Place Place, string Description, long ExpiresMs, TagKind Kind)
{
    public Located<ConditionSyntax>? When { get; init; }
    public Located<ValueSyntax>? Value { get; init; }
    /// <summary>The values of a group, or the members of a set, each with its condition.</summary>
    public IReadOnlyList<GroupValue> Values { get; init; } = [];

    public IEnumerable<Located<ConditionSyntax>> Conditions => When is null ? Values.Select(v => v.When) : [When];

    /// <summary>Of a grid, the scores whose grades its value is made of: rows, then columns.</summary>
    public (string Rows, string Columns)? Grid { get; init; }

    /// <summary>It may change without a new event; what other tags do is not looked at.</summary>
    public bool ChangesByItself =>
        ExpiresMs > 0 || Conditions.Any(c => c.Syntax.ChangesByItself) || (Value is not null && Value.Syntax.ChangesByItself);

    public string Text =>
        $"tag {Name}"
        + (When is null ? "" : $" when {When.Syntax.Text}")
        + (Value is null ? "" : $" value {Value.Syntax.Text}")
        + (Kind is TagKind.Set or TagKind.Manual ? $" {Kind.ToString().ToLowerInvariant()}" : "")
        + (Grid is { } grid ? $" grid {grid.Rows} {grid.Columns}" : "")
        + string.Concat(Values.Select(v => $" {EventFilter.Quote(v.Value)}: {v.When.Syntax.Text}"))
        + (ExpiresMs == 0 ? "" : $" expires {RuleDuration.Format(ExpiresMs)}");
}

/// <summary>Points for events that pass a filter; a cap of 0 means none, an empty group too.</summary>
internal sealed record PointsSyntax(EventFilter Filter, long AddMicro, long CapMicro, CalendarUnit Unit, string Group, Place Place)
{
    public string Text => $"{Filter.Text} add {AddMicro}u" + (CapMicro == 0 ? "" : $" cap {CapMicro}u per {Unit}")
        + (Group.Length == 0 ? "" : $" group {Group}");
}

internal sealed record ScoreSyntax(
    string Name, Place Place, string Description, IReadOnlyList<PointsSyntax> Points, IReadOnlyList<GroupRule> Groups,
    IReadOnlyList<Grade> Grades)
{
    public long HalfLifeMs { get; init; }
    public long LinearMs { get; init; }
    public IReadOnlyList<FadingStep> Steps { get; init; } = [];
    /// <summary>0: no limit.</summary>
    public long MaxMicro { get; init; }
    public bool IsNeverNegative { get; init; }
    public long HysteresisMicro { get; init; }

    public string Text =>
        $"score {Name} half_life {HalfLifeMs}"
        + (LinearMs == 0 ? "" : $" linear {LinearMs}")
        + string.Concat(Steps.Select(s => $" from {s.AgeMs} {s.FactorMicro}u"))
        + string.Concat(Points.Select(p => $"; {p.Text}"))
        + string.Concat(Groups.Select(g => $"; group {g.Name} {g.CapMicro}u per {g.Unit}"))
        + (MaxMicro == 0 ? "" : $"; max {MaxMicro}u") + (IsNeverNegative ? "; min 0" : "")
        + string.Concat(Grades.Select(g => $"; {EventFilter.Quote(g.Name)} {g.FromMicroPoints}u"))
        + (HysteresisMicro == 0 ? "" : $"; hysteresis {HysteresisMicro}u");
}

/// <param name="Zone">Of days, weeks, months and dates.</param>
internal sealed record RuleFileSyntax(
    CalendarZone Zone, IReadOnlyList<AttributeRuleSyntax> Attributes, IReadOnlyList<TagSyntax> Tags, IReadOnlyList<ScoreSyntax> Scores)
{
    public IReadOnlyList<PipelineSyntax> Pipelines { get; init; } = [];
    public IReadOnlyList<ActionSyntax> Actions { get; init; } = [];
    public ContactSyntax Contact { get; init; } = ContactSyntax.Unlimited;
    /// <summary>The scores that conditions of actions may name.</summary>
    public IReadOnlyList<ScoreSyntax> KnownScores { get; init; } = [];
}
