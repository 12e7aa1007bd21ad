using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary>A tag as a column: its value, or NULL where the customer does not have it.</summary>
internal static class TagSql
{
    /// <summary>The column's quoted name.</summary>
    public static string Column(string tag, SqlScope scope) =>
        scope.Column($"tag {tag}", () => Value(scope.File.Tags.First(t => t.Name == tag), scope));

    public static string Reference(TagReferenceSyntax reference, SqlScope scope)
    {
        var column = Column(reference.Tag, scope);
        if (reference.Values is null) return $"{column} IS NOT NULL";
        var values = string.Join(", ", reference.Values.Select(SqlText.Quote));
        var isSet = scope.File.Tags.First(t => t.Name == reference.Tag).Kind == TagKind.Set;
        return isSet ? $"hasAny(splitByChar(',', ifNull({column}, '')), [{values}])" : $"ifNull({column} IN ({values}), 0)";
    }

    private static string Value(TagSyntax tag, SqlScope scope)
    {
        if (tag.Grid is { } grid) return Grid(grid.Rows, grid.Columns, scope);
        if (tag.Kind == TagKind.Manual) return ManualSql.Of(tag, scope);
        if (tag.Kind == TagKind.Set) return Set(tag, scope);
        if (tag.Values.Count > 0) return Group(tag, scope);
        var holds = tag.ExpiresMs > 0 ? ExpirySql.Holds(tag, scope) : tag.When is null ? null : ConditionSql.Of(tag.When.Syntax, scope);
        if (tag.Value is null) return $"if({holds}, '1', NULL)";
        var value = Value(tag.Value.Syntax, scope);
        return holds is null ? value : $"if({holds}, {value}, NULL)";
    }

    private static string Value(ValueSyntax syntax, SqlScope scope)
    {
        if (syntax is NumberValueSyntax number) return ArithmeticSql.TextOf(ArithmeticSql.Number(number, scope), scope);
        var edge = (EdgeValueSyntax)syntax;
        var aggregate = EdgeSql.Aggregate(edge.IsLast, edge.Field, edge.Filter, scope);
        return $"if({EdgeSql.Holds(aggregate, edge.Window, scope)}, {aggregate}.4, NULL)";
    }

    private static string Group(TagSyntax tag, SqlScope scope)
    {
        var values = tag.Values.Select(v => $"{ConditionSql.Of(v.When.Syntax, scope)}, {SqlText.Quote(v.Value)}");
        return $"multiIf({string.Join(", ", values)}, NULL)";
    }

    private static string Set(TagSyntax tag, SqlScope scope)
    {
        var members = tag.Values.Select(v => $"({ConditionSql.Of(v.When.Syntax, scope)}, {SqlText.Quote(v.Value)})");
        return $"nullIf(arrayStringConcat(arrayFilter(m -> m.1, [{string.Join(", ", members)}]).2, ','), '')";
    }

    private static string Grid(string rows, string columns, SqlScope scope)
    {
        var (row, column) = (ScoreSql.Grade(rows, scope), ScoreSql.Grade(columns, scope));
        return $"concat({row}, {column})";
    }
}
