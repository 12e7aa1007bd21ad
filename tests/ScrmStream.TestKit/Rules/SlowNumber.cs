namespace ScrmStream.TestKit.Rules;

/// <summary>
/// A number of a calculated attribute as it stands in a rule file, and what it means: of the events up to a time, what is it then? Null:
/// there is none.
/// </summary>
public sealed record SlowNumber(string Text, Func<IReadOnlyList<SlowEvent>, long, decimal?> At)
{
    public static SlowNumber Constant(decimal n) => new(SlowRules.Text(n), (_, _) => n);

    public static SlowNumber Day(SlowRules rules, bool first, SlowFilter f) => new($"{(first ? "first" : "last")}_day({f.Text})", (all, _) =>
    {
        var times = all.Where(f.Passes).Select(e => e.TimeMs).ToList();
        return times.Count == 0 ? null : DaysSince1970(rules.Today(first ? times.Min() : times.Max()));
    });

    public static SlowNumber Today(SlowRules rules) => new("today", (_, t) => DaysSince1970(rules.Today(t)));

    public static SlowNumber Or(SlowNumber number, decimal otherwise) => new(
        $"({number.Text} or {SlowRules.Text(otherwise)})", (all, t) => number.At(all, t) ?? otherwise);

    /// <summary>Products and quotients to six decimals, ties to even; nothing where a part is nothing or the divisor 0.</summary>
    public static SlowNumber Operation(char operation, SlowNumber left, SlowNumber right) => new(
        $"({left.Text} {operation} {right.Text})", (all, t) =>
        {
            if (left.At(all, t) is not { } a || right.At(all, t) is not { } b) return null;
            return operation switch
            {
                '+' => a + b,
                '-' => a - b,
                '*' => Math.Round(a * b, 6, MidpointRounding.ToEven),
                _ => b == 0 ? null : Math.Round(a / b, 6, MidpointRounding.ToEven),
            };
        });

    /// <summary>An attribute of this value, compared.</summary>
    public SlowCondition Compares(string attribute, string op, decimal n) => new(
        $"attribute.{attribute} {op} {SlowRules.Text(n)}", (all, t) => At(all, t) is { } x && SlowRules.Compare(op, x, n));

    private static decimal DaysSince1970(DateOnly day) => day.DayNumber - new DateOnly(1970, 1, 1).DayNumber;
}
