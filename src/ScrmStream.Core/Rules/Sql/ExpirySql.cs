using System.Globalization;

namespace ScrmStream.Rules.Sql;

/// <summary>
/// A tag that expires: there is an event, less than that long ago, at whose time the condition held. The condition is asked about the time
/// of each event that its counts and sums look at.
/// </summary>
internal static class ExpirySql
{
    public static string Holds(TagSyntax tag, SqlScope scope)
    {
        var after = string.Create(CultureInfo.InvariantCulture, $"{SqlScope.AsOf} - {tag.ExpiresMs}");
        if (tag.When is null)
        {
            var value = (EdgeValueSyntax)tag.Value!.Syntax;
            var edge = EdgeSql.Aggregate(value.IsLast, value.Field, value.Filter, scope);
            return $"({edge}.1 = 1 AND {edge}.2 > {after})";
        }
        // What stays true once it is true needs its latest event only.
        if (tag.When.Syntax is CountSyntax { IsThreshold: true } count && (count.Threshold == 1 || count.Window.IsEver))
        {
            var isRecent = $"ifNull({SeenSql.Last(count.Filter, scope)} > {after}, 0)";
            return count.Threshold == 1
                ? isRecent : $"({CountSql.Events(count.Filter, Window.Ever, scope)} >= {count.Threshold} AND {isRecent})";
        }
        var holds = scope.LookingBack(() => ConditionSql.Of(tag.When.Syntax, scope));
        return $"arrayExists(t -> t > {after} AND {holds}, arrayConcat({string.Join(", ", scope.Candidates.Distinct())}))";
    }
}
