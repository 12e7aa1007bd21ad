using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary>A field of an event: its text, its number in micro, and whether the event has it.</summary>
internal static class FieldSql
{
    /// <summary>The text; '' where the event has none, unless it is a number.</summary>
    public static string Text(EventField field) => field switch
    {
        { IsProperty: true } => $"properties[{Property(field)}]",
        { IsInteger: true } => $"ifNull(toString({Column(field)}), '')",
        _ => Column(field),
    };

    public static string Has(EventField field) => field switch
    {
        { IsProperty: true } => $"mapContains(properties, {Property(field)})",
        { IsInteger: true } => $"{Column(field)} IS NOT NULL",
        _ => $"{Column(field)} != ''",
    };

    /// <summary>The number, times 10^6 and whole; NULL where the event has none or the field is no number.</summary>
    public static string Micro(EventField field, SqlScope scope)
    {
        if (!field.IsProperty) return $"toInt256({Column(field)}) * 1000000";
        scope.Function("whole_of", WholeOf);
        return $"{scope.Function("number_of", NumberOf)}({Type(field)}, {Text(field)})";
    }

    /// <summary>One letter: s text, l whole number, d double, b boolean; '' where there is no such property.</summary>
    public static string Type(EventField field) => $"substring(property_types, indexOf(mapKeys(properties), {Property(field)}), 1)";

    /// <summary>Rounds a double to a whole number, ties to even, at most 10^25 either way. Doubles that large are exact in steps.</summary>
    public const string WholeOf = """
        (x -> multiIf(abs(x) < 9e18, toInt256(toInt64(round(x))),
                abs(x) < 1e22, toInt256(toInt64(x / 2048)) * 2048,
                toInt256(toInt64(greatest(least(x, 1e25), -1e25) / 4194304)) * 4194304))
        """;

    // A whole number is a JSON literal of digits; a double's micro is the nearest to its own value times 10^6.
    private static string NumberOf => """
        ((type, text) -> multiIf(type = 'l', toInt256(toInt64OrNull(text)) * 1000000,
                type = 'd', whole_of(toFloat64OrNull(text) * 1000000), NULL))
        """;

    private static string Property(EventField field) => SqlText.Quote(field.Name["properties.".Length..]);

    private static string Column(EventField field) => field.Name.Replace('.', '_');
}
