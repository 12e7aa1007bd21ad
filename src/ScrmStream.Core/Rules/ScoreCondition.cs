using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>A score against a number, or with one of some grades. Only actions ask this.</summary>
/// <param name="Grades">Null: <paramref name="Comparison"/> with <paramref name="Micro"/>.</param>
internal sealed record ScoreConditionSyntax(int Position, string Score, Comparison Comparison, Int128 Micro, IReadOnlyList<string>? Grades)
    : ConditionSyntax(Position)
{
    public override string Text => Grades is null
        ? $"score.{Score} {Comparison.Symbol()} {Micro}u"
        : $"grade.{Score} in ({string.Join(", ", Grades.Select(EventFilter.Quote))})";
    public override bool ChangesByItself => true;

    public override Condition Bind(RuleBinder binder)
    {
        if (!binder.IsOfActions)
            throw new ExpressionException(Position, "not supported yet: a score in the condition of a tag; actions can ask for it");
        if (Grades is not null) return ByGrade(binder.Score(Score, Position, null), Grades);
        // The points as a grade of their own: when it comes and goes is known to the millisecond.
        var isFrom = Comparison is Comparison.GreaterOrEqual or Comparison.Less;
        var from = Int128.Clamp(isFrom ? Micro : Micro + 1, long.MinValue, long.MaxValue);
        var score = binder.Score(Score, Position, [new Grade("reached", (long)from)]);
        var isBelow = Comparison is Comparison.Less or Comparison.LessOrEqual;
        return new GradeCondition(score, grade => grade == 0 != isBelow);
    }

    private GradeCondition ByGrade(ScoreRule score, IReadOnlyList<string> wanted)
    {
        var known = score.Grades.Select(g => g.Name).ToList();
        if (wanted.FirstOrDefault(w => !known.Contains(w)) is { } unknown)
            throw new ExpressionException(Position, $"score '{Score}' has no grade '{unknown}'{Suggestion.Of(unknown, known)}");
        var places = wanted.Select(w => known.IndexOf(w)).ToHashSet();
        return new GradeCondition(score, places.Contains);
    }
}

/// <summary>The score's grade is one that fits; -1 is none.</summary>
internal sealed class GradeCondition(ScoreRule score, Func<int, bool> fits) : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        var read = score.Read(v, atMs);
        v.MayChangeAt(read.NextMs);
        return fits(read.Grade);
    }
}
