using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>
/// The grades of a score, highest first. With hysteresis a grade is lost only so much below the points that give it. Immutable.
/// </summary>
internal sealed class ScoreGrades(IReadOnlyList<Grade> grades, long hysteresisMicro)
{
    public long HysteresisMicro => hysteresisMicro;

    /// <summary>The grade that some points give by themselves; -1 below the lowest.</summary>
    public int Plain(long microPoints)
    {
        for (var i = 0; i < grades.Count; i++)
            if (microPoints >= grades[i].FromMicroPoints) return i;
        return -1;
    }

    public int IndexOf(string name)
    {
        for (var i = 0; i < grades.Count; i++)
            if (grades[i].Name == name) return i;
        return -1;
    }

    public bool Gives(int grade, long microPoints) => microPoints >= grades[grade].FromMicroPoints;

    public bool Loses(int grade, long microPoints) => microPoints < grades[grade].FromMicroPoints - hysteresisMicro;

    /// <summary>Somebody with a grade no longer has it, or has a higher one, at some points.</summary>
    public bool Leaves(int grade, long microPoints) =>
        (grade >= 0 && Loses(grade, microPoints)) || (grade != 0 && grades.Count > 0 && Gives(Higher(grade), microPoints));

    /// <summary>
    /// When a score that fades by half-lives leaves its grade; <see cref="long.MaxValue"/>: never. To the millisecond, and one before it
    /// where the last bit of a logarithm decides.
    /// </summary>
    public long NextByHalfLife(double microPoints, int grade, long halfLifeMs, long atMs)
    {
        if (microPoints == 0) return long.MaxValue;
        // Points fade towards 0 and never pass it: from above they lose their grade, from below they reach the next.
        if (microPoints > 0 ? grade < 0 : grade == 0) return long.MaxValue;
        var boundary = microPoints > 0 ? grades[grade].FromMicroPoints - hysteresisMicro : grades[Higher(grade)].FromMicroPoints;
        if (microPoints > 0 ? boundary <= 0 : boundary > 0) return long.MaxValue;
        // Published points are rounded, so half a micro point decides.
        var exact = Math.Abs(boundary) + (microPoints > 0 ? -0.5 : 0.5);
        var sinceMs = PowersOfTwo.Log2(Math.Abs(microPoints) / exact) * halfLifeMs;
        // Logarithm and reading err by less than a thousandth of a millisecond at the longest half-life.
        return atMs + Math.Max(1, (long)Math.Ceiling(sinceMs - 0.001));
    }

    private int Higher(int grade) => (grade < 0 ? grades.Count : grade) - 1;
}
