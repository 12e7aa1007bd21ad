namespace ScrmStream.Rules.Sql;

/// <summary>A test of a customer, as 0 or 1 and never NULL.</summary>
internal static class ConditionSql
{
    public static string Of(ConditionSyntax condition, SqlScope scope) => condition switch
    {
        JoinSyntax join => "(" + string.Join(join.IsAnd ? " AND " : " OR ", join.Parts.Select(p => Of(p, scope))) + ")",
        NotSyntax not => $"NOT ({Of(not.Inner, scope)})",
        OtherwiseSyntax => "1",
        TagReferenceSyntax tag => TagSql.Reference(tag, scope),
        CountSyntax count => CountSql.Of(count, scope),
        SumSyntax sum => MeasureSql.Of(sum, scope),
        MeasureSyntax measure => MeasureSql.Of(measure, scope),
        VarietySyntax variety => SqlScope.Compare(VarietySql.Number(variety.Kind, variety.Field, variety.Filter, variety.Window, scope),
            variety.Comparison, variety.Number),
        SequenceSyntax sequence => SequenceSql.Of(sequence, scope),
        EdgeSyntax edge => EdgeSql.Of(edge, scope),
        AttributeSyntax attribute => EdgeSql.Of(attribute, scope),
        DateSyntax date => DateSql.Of(date, scope),
        FirstSeenSyntax first => SeenSql.Of(first, scope),
        LastSeenSyntax last => SeenSql.Of(last, scope),
        TimeSinceSyntax since => SeenSql.Of(since, scope),
        OwnIntervalSyntax interval => SeenSql.Of(interval, scope),
        _ => throw new ArgumentException($"No SQL for {condition.Text}.", nameof(condition)),
    };
}
