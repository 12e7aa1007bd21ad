using System.Globalization;
using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary>
/// The value of a field at the first or last event, and attributes. The aggregate is (1, time, event_id, value), or (0, ...) where no event
/// has it; so ties go by event_id, then by value.
/// </summary>
internal static class EdgeSql
{
    public static string Of(EdgeSyntax edge, SqlScope scope) =>
        Test(Aggregate(edge.IsLast, edge.Field, edge.Filter, scope), edge.Window, edge.Test, scope);

    public static string Of(AttributeSyntax attribute, SqlScope scope)
    {
        if (Calculated(attribute.Attribute, scope) is not { } number)
            return Test(Attribute(attribute.Attribute, scope), Window.Ever, attribute.Test, scope);
        return attribute.Test.Exists
            ? $"{number} IS NOT NULL" : SqlScope.Compare(number, attribute.Test.Comparison, attribute.Test.Micro);
    }

    public static string Aggregate(bool isLast, EventField field, EventFilter filter, SqlScope scope)
    {
        var text = FieldSql.Text(field);
        var value = field.IsProperty || !field.IsInteger ? TextCut.Of(text, EdgeValue.ValueBytesMax, scope) : text;
        return scope.Aggregate(isLast ? "last" : "first", string.Create(CultureInfo.InvariantCulture,
            $"{(isLast ? "max" : "min")}If((1, ms, substring(event_id, 1, {EdgeEntry.EventIdBytesMax}), {value}), ")
            + $"{FilterSql.Part(filter, scope)} AND {FieldSql.Has(field)})");
    }

    /// <summary>An attribute that events give.</summary>
    public static string Attribute(string name, SqlScope scope)
    {
        var value = (EdgeValueSyntax)scope.File.Attributes.First(a => a.Name == name).Value.Syntax;
        return Aggregate(value.IsLast, value.Field, value.Filter, scope);
    }

    /// <summary>An attribute as a number in micro, whether calculated or given; NULL where there is none.</summary>
    public static string Number(string attribute, SqlScope scope) =>
        Calculated(attribute, scope) ?? NumberIn(Attribute(attribute, scope), scope);

    /// <summary>It is there, and inside the window.</summary>
    public static string Holds(string edge, Window window, SqlScope scope) =>
        $"{edge}.1 = 1{WindowSql.And(window, $"{edge}.2", scope)}";

    private static string Test(string edge, Window window, EdgeTest test, SqlScope scope)
    {
        var fits = test switch
        {
            { Exists: true } => $"{edge}.4 != ''",
            { Texts: { } texts } => $"{edge}.4 IN ({string.Join(", ", texts.Select(SqlText.Quote))})",
            _ => SqlScope.Compare(NumberIn(edge, scope), test.Comparison, test.Micro),
        };
        return $"({Holds(edge, window, scope)} AND {fits})";
    }

    private static string? Calculated(string attribute, SqlScope scope) =>
        scope.File.Attributes.First(a => a.Name == attribute).Value.Syntax is ArithmeticSyntax arithmetic
            ? scope.Column($"attribute {attribute}", () => ArithmeticSql.Of(arithmetic.Root, scope)) : null;

    // A text of digits is exact; any other number is the double nearest to it.
    private static string NumberIn(string edge, SqlScope scope)
    {
        scope.Function("whole_of", FieldSql.WholeOf);
        var number = scope.Function("number_in", """
            (text -> if(match(text, '^[+-]?[0-9]+$') AND toInt64OrNull(text) IS NOT NULL, toInt256(toInt64OrNull(text)) * 1000000,
                    if(match(text, '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$') AND isFinite(toFloat64OrZero(text)),
                        whole_of(toFloat64OrZero(text) * 1000000), NULL)))
            """);
        return $"if({edge}.1 = 1, {number}({edge}.4), NULL)";
    }
}
