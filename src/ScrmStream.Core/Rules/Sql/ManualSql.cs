using System.Globalization;
using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary>
/// What people set by hand last: the aggregate is (1, time, event_id, set, length of author, author, value), or (0, ...).
/// </summary>
internal static class ManualSql
{
    public static string Of(TagSyntax tag, SqlScope scope)
    {
        var author = TextCut.Of("properties['author']", ManualMark.AuthorBytesMax, scope);
        var value = TextCut.Of("if(properties['value'] = '', '1', properties['value'])", EdgeValue.ValueBytesMax, scope);
        var mark = scope.Aggregate("mark", $"maxIf((1, ms, substring(event_id, 1, 255), event = 'tag_set', length({author}), {author}, "
            + $"if(event = 'tag_set', {value}, '')), event IN ('tag_set', 'tag_unset') AND properties['tag'] = {SqlText.Quote(tag.Name)} "
            + "AND properties['author'] != '')");
        var lasts = tag.ExpiresMs == 0
            ? "" : string.Create(CultureInfo.InvariantCulture, $" AND {mark}.2 > {scope.At} - {tag.ExpiresMs}");
        return $"if({mark}.1 = 1 AND {mark}.4 = 1{lasts}, {mark}.7, NULL)";
    }
}
