namespace ScrmStream.Rules.Sql;

/// <summary>A test of one event, as 0 or 1 and never NULL.</summary>
internal static class FilterSql
{
    public static string Of(EventFilter filter, SqlScope scope) => filter switch
    {
        ConstantFilter => filter == EventFilter.Any ? "1" : "0",
        NotFilter not => $"NOT {Part(not.Inner, scope)}",
        JoinFilter join => string.Join(join.IsAnd ? " AND " : " OR ", join.Parts.Select(p => Part(p, scope))),
        EventNameFilter named => In("event", named.Names),
        ChannelFilter channel => In("channel", channel.Words),
        TextFilter text => Text(text),
        NumberFilter number => SqlScope.Compare(FieldSql.Micro(number.Field, scope), number.Comparison, number.Micro),
        BooleanFilter boolean => $"({FieldSql.Type(boolean.Field)} = 'b' AND {FieldSql.Text(boolean.Field)} = '{boolean.Word}')",
        ExistsFilter exists => FieldSql.Has(exists.Field),
        PartFilter part => Place(part),
        PatternFilter pattern => Pattern(pattern, scope),
        _ => throw new ArgumentException($"No SQL for {filter.Text}.", nameof(filter)),
    };

    /// <summary>The same where it stands beside others.</summary>
    public static string Part(EventFilter filter, SqlScope scope) =>
        filter is JoinFilter or NotFilter ? $"({Of(filter, scope)})" : Of(filter, scope);

    private static string In(string column, IEnumerable<string> words)
    {
        var texts = words.Select(SqlText.Quote).ToList();
        return texts.Count == 1 ? $"{column} = {texts[0]}" : $"{column} IN ({string.Join(", ", texts)})";
    }

    // An absent text reads as ''.
    private static string Text(TextFilter filter)
    {
        var isIn = In(FieldSql.Text(filter.Field), filter.Values);
        return filter.Values.Contains("") ? $"({isIn} AND {FieldSql.Has(filter.Field)})" : isIn;
    }

    private static string Place(PartFilter filter)
    {
        var (text, part) = (FieldSql.Text(filter.Field), SqlText.Quote(filter.Part));
        return filter.Place switch
        {
            TextPlace.Start => $"startsWith({text}, {part})",
            TextPlace.End => $"endsWith({text}, {part})",
            _ => $"position({text}, {part}) > 0",
        };
    }

    private static string Pattern(PatternFilter filter, SqlScope scope)
    {
        var text = TextCut.Of(FieldSql.Text(filter.Field), PatternFilter.TextBytesMax, scope);
        return $"({FieldSql.Has(filter.Field)} AND match({text}, {SqlText.Quote(filter.SqlPattern)}))";
    }
}
