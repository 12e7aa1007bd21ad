namespace ScrmStream.Rules;

/// <summary>A parsed condition. <see cref="Text"/> is canonical; <see cref="Bind"/> compiles it.</summary>
/// <param name="Position">Where it starts in its expression, for messages.</param>
internal abstract record ConditionSyntax(int Position)
{
    public abstract string Text { get; }

    public abstract Condition Bind(RuleBinder binder);

    public virtual IEnumerable<TagReferenceSyntax> References => [];

    /// <summary>The attributes it compares.</summary>
    public virtual IEnumerable<string> Attributes => [];

    /// <summary>Its answer may change without a new event; what other tags do is not looked at, nor what attributes do.</summary>
    public virtual bool ChangesByItself => false;

    /// <summary>It cannot hold, at any time, while all that it reads of the shards is empty.</summary>
    public virtual bool NeedsAnEvent => false;

    protected void RefuseExpiring(RuleBinder binder, string what, string instead = "")
    {
        if (binder.ExpiresMs == 0) return;
        throw new ExpressionException(Position, $"not supported yet: {what} in {binder.Place}{instead}");
    }
}

internal sealed record JoinSyntax(int Position, bool IsAnd, IReadOnlyList<ConditionSyntax> Parts) : ConditionSyntax(Position)
{
    public override string Text => "(" + string.Join(IsAnd ? " and " : " or ", Parts.Select(p => p.Text)) + ")";
    public override IEnumerable<TagReferenceSyntax> References => Parts.SelectMany(p => p.References);
    public override IEnumerable<string> Attributes => Parts.SelectMany(p => p.Attributes);
    public override bool ChangesByItself => Parts.Any(p => p.ChangesByItself);
    public override bool NeedsAnEvent => IsAnd ? Parts.Any(p => p.NeedsAnEvent) : Parts.All(p => p.NeedsAnEvent);

    public override Condition Bind(RuleBinder binder) => new JoinCondition(IsAnd, [.. Parts.Select(p => p.Bind(binder))]);
}

internal sealed record NotSyntax(int Position, ConditionSyntax Inner) : ConditionSyntax(Position)
{
    public override string Text => $"not {Inner.Text}";
    public override IEnumerable<TagReferenceSyntax> References => Inner.References;
    public override IEnumerable<string> Attributes => Inner.Attributes;
    public override bool ChangesByItself => Inner.ChangesByItself;

    public override Condition Bind(RuleBinder binder) => new NotCondition(Inner.Bind(binder));
}

/// <summary>The last value of a group: <c>otherwise</c>.</summary>
internal sealed record OtherwiseSyntax(int Position) : ConditionSyntax(Position)
{
    public override string Text => "otherwise";

    public override Condition Bind(RuleBinder binder) => new AlwaysCondition();
}

/// <summary>Another tag holds: with any value, or, when <see cref="Values"/> is given, with one of these.</summary>
internal sealed record TagReferenceSyntax(int Position, string Tag, IReadOnlyList<string>? Values) : ConditionSyntax(Position)
{
    public override string Text => Values is null ? $"has({Tag})" : $"tag.{Tag} in ({string.Join(", ", Values.Select(EventFilter.Quote))})";
    public override IEnumerable<TagReferenceSyntax> References => [this];

    public override Condition Bind(RuleBinder binder)
    {
        RefuseExpiring(binder, "another tag", "; a tag without 'expires' that has both conditions is possible");
        var values = Values is null ? null : Values.Select(System.Text.Encoding.UTF8.GetBytes).ToArray();
        return new TagCondition(binder.TagIndex(Tag), binder.IsSet(Tag), values);
    }
}
