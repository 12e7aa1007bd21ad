using ScrmStream.Rules;
using Xunit;
using static ScrmStream.Tests.Rules.EventMaker;

namespace ScrmStream.Tests.Rules;

public sealed class ScoreRuleTests
{
    private const string Intent =
        """
        scores:
          - score: intent
            half_life: 14d
            points:
              - { when: event = "view", add: 2 }
              - { when: event = "pay", add: 50 }
              - { when: event in ("pay", "leave") and channel != "web", add: -30.5 }
            grades: { C: 20, A: 80, B: 50 }
        """;

    private static Told At(double days, string name) => new(name, StartMs + (long)(days * DayMs));

    [Fact]
    public void Points_FadeByHalfInEachHalfLife()
    {
        var rules = RuleSet.Parse(Intent, "r");
        Told[] events = [At(0, "view"), At(14, "view")];
        Assert.Equal(3_000_000, Conclude(rules, events).MicroPoints("intent"));
        Assert.Equal(1_500_000, Conclude(rules, StartMs + 28 * DayMs, events).MicroPoints("intent"));
        Assert.Equal(3_000_000, rules.Scores[0].Decay(6_000_000, StartMs, StartMs + 14 * DayMs));
        Assert.Equal(12_000_000, rules.Scores[0].Decay(6_000_000, StartMs, StartMs - 14 * DayMs));
    }

    /// <summary>Grades above, at and below zero, which points lose and reach as they fade; other halvings, other points.</summary>
    [Fact]
    public void NextChange_OfAFadingScore_IsTheMomentItsGradeChanges()
    {
        var random = new Random(3);
        var crossings = 0;
        for (var round = 0; round < 2_000; round++)
        {
            var rules = RuleSet.Parse(
                $"scores:\n  - score: s\n    half_life: {random.Next(1, 500)}{"mhd"[random.Next(2)]}\n    points:\n"
                + $"      - {{ when: event = \"x\", add: {random.Next(1, 90)} }}\n      - {{ when: event = \"y\", add: -{random.Next(1, 90)} }}\n"
                + "    grades: { A: 40, B: 7.5, C: 0.000001, D: 0, E: -3, F: -20 }\n", "r");
            Told[] events = [.. Enumerable.Range(0, random.Next(1, 6)).Select(i => At(random.NextDouble(), random.Next(2) == 0 ? "x" : "y"))];
            var t = events.Max(e => e.TimeMs);
            for (var hop = 0; hop < 4; hop++)
            {
                var now = Conclude(rules, t, events);
                var (grade, next) = (now.Score(0).Grade.ToArray(), now.NextChangeMs);
                if (next == long.MaxValue) break;
                Assert.True(Conclude(rules, next - 1, events).Score(0).Grade.SequenceEqual(grade) || next == t + 1, $"{round}: late");
                Assert.False(Conclude(rules, next + 1, events).Score(0).Grade.SequenceEqual(grade), $"{round}: {next} is not the moment");
                crossings++;
                t = next + 1;
            }
            Assert.NotEqual(0, crossings);
        }
        Assert.True(crossings > 1_500, $"{crossings}");
    }

    [Fact]
    public void Points_OfSeveralEntries_AddUp() =>
        Assert.Equal(19_500_000, Conclude(RuleSet.Parse(Intent, "r"), At(0, "pay")).MicroPoints("intent"));

    [Theory]
    [InlineData(80_000_000, "A")]
    [InlineData(79_999_999, "B")]
    [InlineData(50_000_000, "B")]
    [InlineData(20_000_000, "C")]
    [InlineData(19_999_999, null)]
    [InlineData(-5, null)]
    public void Grade_StartsAtItsPoints(long microPoints, string? grade) =>
        Assert.Equal(grade, RuleSet.Parse(Intent, "r").Scores[0].GradeOf(microPoints));

    [Fact]
    public void Rank_OfOneCustomer_DoesNotDependOnTheTimeOfComputing()
    {
        var rules = RuleSet.Parse(Intent, "r");
        Told[] events = [At(0, "view"), At(3, "view")];
        var now = Conclude(rules, events).Score(0);
        var later = Conclude(rules, StartMs + 40 * DayMs, events).Score(0);
        Assert.True(now.MicroPoints > later.MicroPoints);
        Assert.Equal(now.Rank, later.Rank, 1.0);
        Assert.Equal(Math.Log2(now.MicroPoints / 1e6) * 14 * DayMs + StartMs + 3 * DayMs, now.Rank, 1000.0);
        Assert.False(Conclude(rules, At(0, "leave")).Score(0).HasRank);
    }

    [Fact]
    public void Cap_ScalesEachCalendarDayOfShanghai()
    {
        var rules = RuleSet.Parse("scores:\n  - score: s\n    points: [{ when: any, add: 2, cap: 5 per 1d }]", "r");
        var midnight = DateTimeOffset.Parse("2025-10-10T00:00:00+08:00").ToUnixTimeMilliseconds();
        Told[] twoDays = [new("x", midnight - 2), new("x", midnight - 1), new("x", midnight - 1), new("x", midnight)];
        Assert.Equal(7, Conclude(rules, twoDays).Points("s"));
        Assert.False(Conclude(rules, twoDays).Score(0).HasRank);
        var utc = RuleSet.Parse("scores:\n  - score: s\n    points: [{ when: any, add: -2, cap: 5 per month }]", "r");
        Assert.Equal(-5, Conclude(utc, twoDays).Points("s"));
    }

    [Fact]
    public void Cap_WithHalfLife_ScalesTheFadedPointsOfTheDay()
    {
        var rules = RuleSet.Parse("scores:\n  - score: s\n    half_life: 1h\n    points: [{ when: any, add: 10, cap: 20 per 1d }]", "r");
        Told[] events = [.. Enumerable.Range(0, 4).Select(i => new Told("x", StartMs + i * HourMs))];
        Assert.Equal(0.5 * (10 + 5 + 2.5 + 1.25), Conclude(rules, events).Points("s"), 5e-6);
    }

    [Fact]
    public void Cap_OfACustomer_CountsOverAllShards()
    {
        var rules = RuleSet.Parse("scores:\n  - score: s\n    points: [{ when: any, add: 2, cap: 5 per 1d }]", "r");
        var conclusion = new Conclusion();
        var shards = Enumerable.Range(0, 3).Select(i => Shard(rules, new Told("x", StartMs + i)));
        rules.Evaluate(Customer(shards), StartMs + 2, conclusion);
        Assert.Equal(5, conclusion.Points("s"));
    }

    [Fact]
    public void Evaluate_ScoresAsOfALaterTime_LeavesTagsAtTheirs()
    {
        var rules = RuleSet.Parse(Intent + "\ntags:\n  - tag: recent\n    when: last_seen within 1d", "r");
        var conclusion = new Conclusion();
        rules.Evaluate(Customer(Shard(rules, At(0, "view"))), StartMs, StartMs + 14 * DayMs, conclusion);
        Assert.Equal(1, conclusion.TagCount);
        Assert.Equal(1, conclusion.Points("intent"));
        Assert.Equal(StartMs + 14 * DayMs, conclusion.ScoresAsOfMs);
    }
}
