using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>The value of an attribute that is calculated: numbers of a customer's events with + - * / and parentheses.</summary>
internal sealed record ArithmeticSyntax(int Position, NumberNode Root) : ValueSyntax(Position)
{
    public override string Text => Root.Text;
    public override bool ChangesByItself => Root.ChangesByItself;
}

/// <summary>A part of a calculation. <see cref="Text"/> is canonical; <see cref="Bind"/> compiles it.</summary>
/// <param name="Position">Where it starts in its expression, for messages.</param>
internal abstract record NumberNode(int Position)
{
    public abstract string Text { get; }

    /// <inheritdoc cref="ConditionSyntax.ChangesByItself"/>
    public virtual bool ChangesByItself => false;

    /// <summary>The attributes it uses.</summary>
    public virtual IEnumerable<string> Attributes => [];

    public abstract NumberValue Bind(RuleBinder binder);
}

internal sealed record ConstantNode(int Position, Int128 Micro) : NumberNode(Position)
{
    public override string Text => $"{Micro}u";

    public override NumberValue Bind(RuleBinder binder) => new ConstantNumber(Micro);
}

/// <summary><c>count(...)</c> and the other numbers that tags have too.</summary>
internal sealed record EventsNode(NumberValueSyntax Value) : NumberNode(Value.Position)
{
    public override string Text => Value.Text;
    public override bool ChangesByItself => Value.ChangesByItself;

    public override NumberValue Bind(RuleBinder binder) => NumberValue.Of(Value, binder);
}

/// <summary><c>today</c>, or with a filter <c>first_day</c> and <c>last_day</c>: days since 1970-01-01.</summary>
internal sealed record DayNode(int Position, bool IsFirst, EventFilter? Filter) : NumberNode(Position)
{
    public override string Text => Filter is null ? "today" : $"{(IsFirst ? "first" : "last")}_day({Filter.Text})";
    public override bool ChangesByItself => Filter is null;

    public override NumberValue Bind(RuleBinder binder)
    {
        if (Filter is null) return new TodayNumber(binder.Zone);
        return IsFirst
            ? new FirstDayNumber(binder.Use(new FirstTime(Filter.Text), Filter), binder.Zone)
            : new LastDayNumber(binder.Use(new LatestTimes(Filter.Text, 1, 1), Filter), binder.Zone);
    }
}

internal sealed record AttributeNode(int Position, string Attribute) : NumberNode(Position)
{
    public override string Text => $"attribute.{Attribute}";
    public override IEnumerable<string> Attributes => [Attribute];

    public override NumberValue Bind(RuleBinder binder) => binder.AttributeNumber(Attribute, Position);
}

internal sealed record OperationNode(int Position, char Operator, NumberNode Left, NumberNode Right) : NumberNode(Position)
{
    public override string Text => $"({Left.Text} {Operator} {Right.Text})";
    public override bool ChangesByItself => Left.ChangesByItself || Right.ChangesByItself;
    public override IEnumerable<string> Attributes => Left.Attributes.Concat(Right.Attributes);

    public override NumberValue Bind(RuleBinder binder) => new OperationNumber(Operator, Left.Bind(binder), Right.Bind(binder));
}

/// <summary><c>sum(...) or 0</c>: the number, or another where there is none.</summary>
internal sealed record DefaultNode(int Position, NumberNode Inner, Int128 Micro) : NumberNode(Position)
{
    public override string Text => $"({Inner.Text} or {Micro}u)";
    public override bool ChangesByItself => Inner.ChangesByItself;
    public override IEnumerable<string> Attributes => Inner.Attributes;

    public override NumberValue Bind(RuleBinder binder) => new DefaultNumber(Inner.Bind(binder), Micro);
}
