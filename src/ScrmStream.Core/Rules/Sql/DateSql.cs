using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary>Days, months and years between an attribute's date and today, by the Gregorian calendar of all years.</summary>
internal static class DateSql
{
    private const string DaysOf = """
        ((y, m, d) -> 365 * (y - (m <= 2)) + intDiv(y - (m <= 2), 4) - intDiv(y - (m <= 2), 100) + intDiv(y - (m <= 2), 400)
                + intDiv(153 * (m + if(m > 2, -3, 9)) + 2, 5) + d - 719469)
        """;
    private const string DaysIn =
        "((y, m) -> if(m = 2, if(y % 4 = 0 AND (y % 100 != 0 OR y % 400 = 0), 29, 28), if(m IN (4, 6, 9, 11), 30, 31)))";

    public static string Of(DateSyntax date, SqlScope scope)
    {
        var attribute = EdgeSql.Attribute(date.Attribute, scope);
        scope.Function("days_of", DaysOf);
        scope.Function("days_in", DaysIn);
        scope.Function("digits_of", "((text, at, digits) -> toInt32OrZero(substring(text, at, digits)))");
        scope.Function("year_of", "(text -> digits_of(text, 1, 4))");
        scope.Function("month_of", "(text -> digits_of(text, 6, 2))");
        scope.Function("day_of", "(text -> digits_of(text, 9, 2))");
        var isDate = scope.Function("is_date", """
            (text -> match(text, '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]|$)') AND year_of(text) BETWEEN 1 AND 9998
                    AND month_of(text) BETWEEN 1 AND 12 AND day_of(text) BETWEEN 1 AND days_in(year_of(text), month_of(text)))
            """);
        var text = $"{attribute}.4";
        var number = Number(date.Measure, text, scope);
        return $"({attribute}.1 = 1 AND {isDate}({text}) AND {number} {date.Comparison.Symbol()} {date.Number})";
    }

    private static string Number(DateMeasure measure, string text, SqlScope scope)
    {
        var today = WindowSql.Day(scope.At, scope);
        var days = $"days_of(year_of({text}), month_of({text}), day_of({text}))";
        return measure switch
        {
            DateMeasure.DaysUntil => $"{days} - {today}",
            DateMeasure.AgeDays => $"{today} - {days}",
            DateMeasure.DaysUntilAnniversary => $"{Anniversary(scope)}({text}, {today}) - {today}",
            DateMeasure.AgeMonths => $"{Months(scope)}({text}, toDate32({today}))",
            _ => $"toInt32(floor({Months(scope)}({text}, toDate32({today})) / 12))",
        };
    }

    // That of 29 February is the 28th in a common year.
    private static string Anniversary(SqlScope scope)
    {
        scope.Function("anniversary_in",
            "((text, year) -> days_of(year, month_of(text), least(day_of(text), days_in(year, month_of(text)))))");
        return scope.Function("next_anniversary", """
            ((text, today) -> if(anniversary_in(text, toYear(toDate32(today))) >= today,
                    anniversary_in(text, toYear(toDate32(today))), anniversary_in(text, toYear(toDate32(today)) + 1)))
            """);
    }

    // A month is full on the day of the same number, or on the last of a shorter month.
    private static string Months(SqlScope scope) => scope.Function("months_to", """
        ((text, today) -> (toInt32(toYear(today)) - year_of(text)) * 12 + toInt32(toMonth(today)) - month_of(text)
                - (least(day_of(text), days_in(toInt32(toYear(today)), toInt32(toMonth(today)))) > toDayOfMonth(today)))
        """);
}
