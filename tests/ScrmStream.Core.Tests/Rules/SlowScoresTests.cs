using System.Text;
using ScrmStream.Profiles;
using ScrmStream.Rules;
using ScrmStream.TestKit;
using ScrmStream.TestKit.Rules;
using Xunit;
using Xunit.Abstractions;
using static ScrmStream.Tests.Rules.EventMaker;

namespace ScrmStream.Tests.Rules;

/// <summary>
/// Random scores over random customers, against the slow model: values and grades, at and after events, in any order, over one shard or
/// several as before and after merges, and around the moments that the engine foretells.
/// </summary>
public sealed class SlowScoresTests(ITestOutputHelper output)
{
    private sealed class Seen
    {
        public int Values, Grades, Foretold, Changed, Between, Kept;
    }

    [Fact]
    public void Evaluate_RandomScoresAndCustomers_AgreeWithTheModelAtEveryMoment()
    {
        var seen = new Seen();
        foreach (var seed in Seeds.From(0, 300, 10_000))
        {
            var world = new ScoreWorld(seed);
            var rules = RuleSet.Parse(world.Yaml, $"seed {seed}");
            var random = new Random(seed);
            var last = world.Events.Max(e => e.TimeMs);
            foreach (var t in new[] { world.Events[0].TimeMs, last, last + random.Next(1, 40) * world.StepMs, last + random.NextInt64(50 * world.StepMs) })
            {
                var known = world.Events.Where(e => e.TimeMs <= t).ToArray();
                if (known.Length > 0) Follow(world, rules, known, t, random, seed, seen);
            }
        }
        output.WriteLine($"{seen.Values} values, {seen.Grades} grades, {seen.Kept} of them kept by hysteresis; "
            + $"{seen.Foretold} changes foretold, {seen.Changed} found, {seen.Between} moments between");
        Assert.True(seen is { Values: > 2_500, Grades: > 1_500, Kept: > 50, Between: > 1_000 } && seen.Changed * 3 > seen.Foretold);
    }

    [Fact]
    public void Ledger_OfRandomScores_AddsUpToTheValueToTheMicroPoint()
    {
        var (lines, limited) = (0, 0);
        foreach (var seed in Seeds.From(0, 300, 10_000))
        {
            var world = new ScoreWorld(seed);
            var rules = RuleSet.Parse(world.Yaml, $"seed {seed}");
            var random = new Random(seed);
            var t = world.Events.Max(e => e.TimeMs) + random.Next(20) * world.StepMs;
            var parts = Customer(world.Events.GroupBy(e => e.Anchor).Select(a => Shard(rules, [.. a.Select(Told)])));
            var conclusion = new Conclusion();
            rules.Evaluate(parts, t, conclusion);
            var told = world.Events.Select(Told).ToArray();
            random.Shuffle(told);
            foreach (var score in world.Scores)
            {
                var ledger = ScoreLedger.Of(rules, score.Name, Batch(told), t);
                Assert.Equal(conclusion.MicroPoints(score.Name), ledger.MicroPoints);
                Assert.Equal(ledger.MicroPoints, ledger.Lines.Sum(l => l.MicroPoints) + ledger.LimitMicro);
                Assert.True(ledger.LimitMicro == 0 || score.Max is not null || score.NeverNegative, $"seed {seed}\n{world.Yaml}");
                Assert.All(ledger.Lines, l => Assert.Equal(l.AddMicro * l.Kept * l.Left, l.MicroPoints, 2.0));
                lines += ledger.Lines.Count;
                if (ledger.LimitMicro != 0) limited++;
            }
        }
        Assert.True(lines > 10_000 && limited > 50, $"{lines} lines, {limited} limits");
    }

    private static void Follow(ScoreWorld world, RuleSet rules, SlowEvent[] known, long t, Random random, int seed, Seen seen)
    {
        var conclusion = new Conclusion();
        random.Shuffle(known);
        var whole = Customer(Shard(rules, [.. known.Select(Told)]));
        random.Shuffle(known);
        var parts = Customer(known.GroupBy(e => e.Anchor).Select(a => Shard(rules, [.. a.Select(Told)])));
        for (var hop = 0; hop < 3; hop++)
        {
            rules.Evaluate(parts, t, conclusion);
            var bytes = conclusion.Bytes.ToArray();
            var next = conclusion.NextChangeMs;
            rules.Evaluate(whole, t, conclusion);
            Assert.True(conclusion.Bytes.SequenceEqual(bytes) && conclusion.NextChangeMs == next, $"seed {seed}: shards show\n{world.Yaml}");
            Assert.True(next > t, $"seed {seed}: the next change {next} is not after {t}");
            var grades = Compare(world, conclusion, known, t, $"seed {seed}, t {t}, hop {hop}", seen);
            for (var probe = 0; probe < 3; probe++)
            {
                var between = t + random.NextInt64(1, Math.Max(2, Math.Min(next - t, 60 * world.StepMs)));
                if (between >= next) continue;
                seen.Between++;
                AssertUnchanged(world, known, grades, between, $"seed {seed}: from {t} nothing was foretold before {next}");
            }
            if (next == long.MaxValue) return;
            AssertUnchanged(world, known, grades, next - 1, $"seed {seed}: from {t}, {next} is late");
            seen.Foretold++;
            // A moment may be one millisecond early, where the last bit of a logarithm decides.
            rules.Evaluate(whole, next + 1, conclusion);
            var after = Enumerable.Range(0, world.Scores.Count).Select(i => Grade(conclusion, world.Scores[i].Name)).ToArray();
            if (!after.SequenceEqual(grades) || world.Scores.Any(s => s.ValueAt(known, next) != s.ValueAt(known, next - 1))) seen.Changed++;
            t = next;
        }
    }

    private static string?[] Compare(ScoreWorld world, Conclusion found, SlowEvent[] known, long t, string what, Seen seen)
    {
        var grades = new string?[world.Scores.Count];
        for (var i = 0; i < grades.Length; i++)
        {
            var score = world.Scores[i];
            var expected = score.ValueAt(known, t);
            var points = found.Points(score.Name);
            Assert.True(Math.Abs(expected - points) < 2e-6, $"{what}: {score.Name} is {points}, not {expected}\n{world.Yaml}");
            grades[i] = Grade(found, score.Name);
            var grade = score.GradeAt(known, t);
            Assert.True(grade == "?" || grade == grades[i],
                $"{what}: the grade of {score.Name} is {grades[i]}, not {grade}, at {points}\n{world.Yaml}{Show(known)}");
            seen.Values++;
            if (grade is not ("?" or null)) seen.Grades++;
            if (grade is not ("?" or null) && expected < (double)score.Grades.Single(g => g.Name == grade).From) seen.Kept++;
        }
        var grid = grades[0] is null || grades[1] is null ? null : grades[0] + grades[1];
        Assert.Equal(grid, found.Tags().GetValueOrDefault("grid"));
        return grades;
    }

    private static void AssertUnchanged(ScoreWorld world, SlowEvent[] known, string?[] grades, long t, string what)
    {
        for (var i = 0; i < grades.Length; i++)
        {
            var grade = world.Scores[i].GradeAt(known, t);
            Assert.True(grade == "?" || grade == grades[i],
                $"{what}, but at {t} {world.Scores[i].Name} has {grade}, no longer {grades[i]}\n{world.Yaml}{Show(known)}");
        }
    }

    private static string? Grade(Conclusion conclusion, string score)
    {
        for (var i = 0; i < conclusion.ScoreCount; i++)
            if (conclusion.Score(i).Name.SequenceEqual(Encoding.UTF8.GetBytes(score)))
                return conclusion.Score(i).Grade.IsEmpty ? null : Encoding.UTF8.GetString(conclusion.Score(i).Grade);
        throw new ArgumentException($"no score '{score}'");
    }

    private static string Show(SlowEvent[] events) =>
        string.Join('\n', events.OrderBy(e => e.TimeMs).Select(e => $"{e.TimeMs} {e.Name} {e.EventId}"));

    private static Told Told(SlowEvent e) => new(e.Name, e.TimeMs) { EventId = e.EventId };
}
