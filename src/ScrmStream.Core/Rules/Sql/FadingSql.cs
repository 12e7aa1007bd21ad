using System.Globalization;
using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary>How points lose worth with age.</summary>
internal static class FadingSql
{
    /// <summary>The share that is left of points earned at a time, at another; empty: all.</summary>
    public static string Share(ScoreSyntax score, string earnedMs, string atMs)
    {
        var age = $"({atMs} - {earnedMs})";
        if (score.HalfLifeMs > 0) return string.Create(CultureInfo.InvariantCulture, $"exp2(-{age} / {score.HalfLifeMs})");
        if (score.LinearMs > 0)
            return string.Create(CultureInfo.InvariantCulture, $"greatest({score.LinearMs} - {age}, 0) / {score.LinearMs}");
        if (score.Steps.Count == 0) return "";
        var steps = score.Steps.Reverse().Select(s => string.Create(
            CultureInfo.InvariantCulture, $"{age} >= {s.AgeMs}, {s.FactorMicro} / {Micro.One}"));
        return $"multiIf({string.Join(", ", steps)}, 1)";
    }

    /// <summary>The ages at which points fade in another way than before, being earned among them.</summary>
    public static string Turns(ScoreSyntax score)
    {
        IEnumerable<long> turns = score.LinearMs > 0 ? [score.LinearMs] : score.Steps.Select(s => s.AgeMs);
        return $"[{string.Join(", ", turns.Prepend(0))}]";
    }
}
