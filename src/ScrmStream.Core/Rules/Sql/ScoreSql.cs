using System.Globalization;
using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary>
/// A score as columns: whole micro points, and the grade or NULL. The engine weighs by fixed-point powers of two and this by doubles,
/// rounded to the same weights, so both agree to the millionth of a point but where that lies on a half.
/// </summary>
internal static class ScoreSql
{
    /// <summary>The column of the points: whole millionths.</summary>
    public static string Points(string name, SqlScope scope)
    {
        var score = scope.File.Scores.First(s => s.Name == name);
        return scope.Column($"points {name}", () => Limited(score, $"({Sum(score, scope)})"));
    }

    /// <summary>The column of the grade.</summary>
    public static string Grade(string name, SqlScope scope)
    {
        var score = scope.File.Scores.First(s => s.Name == name);
        var points = Points(name, scope);
        return scope.Column($"grade {name}", () => score.Grades.Count == 0 ? "CAST(NULL AS Nullable(String))"
            : score.HysteresisMicro > 0 ? HeldGradeSql.Of(score, points, scope)
            : $"multiIf({string.Join(", ", score.Grades.Select(g => $"{points} >= {g.FromMicroPoints}, {SqlText.Quote(g.Name)}"))}, NULL)");
    }

    /// <summary>Points as they are read: rounded, then held by the limits.</summary>
    public static string Limited(ScoreSyntax score, string points)
    {
        var micro = $"toInt64(round({points}))";
        if (score.IsNeverNegative) micro = $"greatest({micro}, 0)";
        return score.MaxMicro == 0 ? micro : $"least({micro}, {score.MaxMicro})";
    }

    private static string Sum(ScoreSyntax score, SqlScope scope)
    {
        var worth = Worth(score, scope);
        List<string> parts = [];
        var uncapped = score.Points.Where(p => !IsCounted(p)).ToList();
        if (uncapped.Count > 0)
        {
            var points = string.Join(" + ", uncapped.Select(p => $"({p.AddMicro}) * ({FilterSql.Of(p.Filter, scope)})"));
            parts.Add(scope.Aggregate("points", worth.Length == 0 ? $"sum({points})" : $"sum(({points}) * {worth})"));
        }
        foreach (var entry in score.Points.Where(p => IsCounted(p) && p.Group.Length == 0))
            parts.Add($"arraySum({CappedSql.Now(entry.AddMicro, entry.CapMicro)}, {CappedSql.Periods(score, entry, worth, scope)})");
        foreach (var group in score.Groups) parts.Add(CappedSql.OfGroup(score, group, worth, scope));
        return parts.Count == 0 ? "0" : string.Join(" + ", parts);
    }

    public static bool IsCounted(PointsSyntax points) => points.CapMicro > 0 || points.Group.Length > 0;

    // What is left of one point earned at ms; empty: all of it.
    private static string Worth(ScoreSyntax score, SqlScope scope)
    {
        if (score.HalfLifeMs == 0) return FadingSql.Share(score, "ms", SqlScope.AsOf);
        var epochMs = score.HalfLifeMs * DecayClock.HalfLivesPerEpoch;
        // 2^31 at the start of an epoch of 32 half-lives, rounded to whole numbers as the engine weighs.
        var weigh = scope.Function($"weight_{score.HalfLifeMs}", string.Create(CultureInfo.InvariantCulture,
            $"(ms -> round(exp2(positiveModulo(ms, {epochMs}) / {score.HalfLifeMs} + 31)))"));
        return string.Create(CultureInfo.InvariantCulture,
            $"{weigh}(ms) * exp2((ms - positiveModulo(ms, {epochMs}) - {SqlScope.AsOf}) / {score.HalfLifeMs} - 31)");
    }
}
