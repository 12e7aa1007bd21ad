using System.Text;
using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>
/// What a first or last value, or an attribute, is compared with: one of some texts, a number, or nothing but that it is there.
/// </summary>
internal sealed record EdgeTest(IReadOnlyList<string>? Texts, Comparison Comparison, Int128 Micro, bool Exists)
{
    public string Text => Exists ? "exists"
        : Texts is null ? $"{Comparison.Symbol()} {Micro}u" : "in (" + string.Join(", ", Texts.Select(EventFilter.Quote)) + ")";

    public Condition Bind(NumberValue number, int position)
    {
        if (Exists) return new NumberExistsCondition(number);
        return Texts is null
            ? new NumberCondition(number, Comparison, Micro)
            : throw new ExpressionException(position, "what is calculated is a number and does not go with a text");
    }

    public Condition Bind(EdgeValue edge, Window window)
    {
        if (Exists) return new EdgeExistsCondition(edge, window);
        return Texts is null
            ? new EdgeNumberCondition(edge, window, Comparison, Micro)
            : new EdgeTextCondition(edge, window, [.. Texts.Select(Encoding.UTF8.GetBytes)]);
    }
}

internal sealed record EdgeSyntax(int Position, bool IsLast, EventField Field, EventFilter Filter, Window Window, EdgeTest Test)
    : ConditionSyntax(Position)
{
    public override string Text => $"{(IsLast ? "last" : "first")}({Field.Name}, {Filter.Text}{Window.Text}) {Test.Text}";
    public override bool ChangesByItself => !Window.IsEver;

    public override Condition Bind(RuleBinder binder)
    {
        RefuseExpiring(binder, "first(...) and last(...)", "; put the comparison into the filter of seen(...)");
        return Test.Bind(binder.Use(new EdgeValue(IsLast, Field, Filter.Text), Filter), Window);
    }
}

/// <summary>A customer's attribute compared.</summary>
internal sealed record AttributeSyntax(int Position, string Attribute, EdgeTest Test) : ConditionSyntax(Position)
{
    public override string Text => $"attribute.{Attribute} {Test.Text}";
    public override IEnumerable<string> Attributes => [Attribute];

    public override Condition Bind(RuleBinder binder)
    {
        RefuseExpiring(binder, "attributes");
        if (binder.Calculated(Attribute, Position) is { } number) return Test.Bind(number, Position);
        var edge = Test switch
        {
            { Exists: true } => binder.Attribute(Attribute, Position, "exists",
                AttributeType.Text, AttributeType.Number, AttributeType.Boolean, AttributeType.Date),
            { Texts: null } => binder.Attribute(Attribute, Position, "a number", AttributeType.Number),
            { Texts: ["true" or "false"] } =>
                binder.Attribute(Attribute, Position, "true or false", AttributeType.Boolean, AttributeType.Text),
            _ => binder.Attribute(Attribute, Position, "a text", AttributeType.Text, AttributeType.Date),
        };
        return Test.Bind(edge, Window.Ever);
    }
}

/// <summary>Days, months or years between an attribute's date and today.</summary>
internal sealed record DateSyntax(int Position, DateMeasure Measure, string Attribute, Comparison Comparison, int Number)
    : ConditionSyntax(Position)
{
    public override string Text => $"{Measure}(attribute.{Attribute}) {Comparison.Symbol()} {Number}";
    public override IEnumerable<string> Attributes => [Attribute];
    public override bool ChangesByItself => true;

    public override Condition Bind(RuleBinder binder)
    {
        RefuseExpiring(binder, "dates");
        var attribute = binder.Attribute(Attribute, Position, "a date", AttributeType.Date);
        return new DateCondition(attribute, Measure, binder.Zone, Comparison, Number);
    }
}

/// <summary>The value of a valued tag or an attribute.</summary>
internal abstract record ValueSyntax(int Position)
{
    public abstract string Text { get; }

    /// <inheritdoc cref="ConditionSyntax.ChangesByItself"/>
    public abstract bool ChangesByItself { get; }
}

internal sealed record EdgeValueSyntax(int Position, bool IsLast, EventField Field, EventFilter Filter, Window Window)
    : ValueSyntax(Position)
{
    public override string Text => $"{(IsLast ? "last" : "first")}({Field.Name}, {Filter.Text}{Window.Text})";
    public override bool ChangesByItself => !Window.IsEver;
}

/// <summary>A number made of the events in a window.</summary>
internal sealed record NumberValueSyntax(int Position, MeasureKind Kind, EventField? Field, EventFilter Filter, Window Window)
    : ValueSyntax(Position)
{
    public override string Text =>
        $"{Kind.ToString().ToLowerInvariant()}({Field?.Name}{(Field is null ? "" : ", ")}{Filter.Text}{Window.Text})";
    public override bool ChangesByItself => !Window.IsEver || Kind == MeasureKind.DaysInRow;
}
