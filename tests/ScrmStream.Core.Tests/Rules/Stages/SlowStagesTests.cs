using ScrmStream.Profiles;
using ScrmStream.Rules;
using ScrmStream.Rules.Stages;
using ScrmStream.TestKit;
using ScrmStream.TestKit.Rules;
using Xunit;
using Xunit.Abstractions;
using static ScrmStream.Tests.Rules.EventMaker;

namespace ScrmStream.Tests.Rules.Stages;

/// <summary>
/// Random pipelines of leads over random customers, against the slow model: every step of every lead, at and after events, in any order,
/// over one shard or several as before and after merges, and around the moments that the engine foretells.
/// </summary>
public sealed class SlowStagesTests(ITestOutputHelper output)
{
    private sealed class Seen
    {
        public int Worlds, Refused, Steps, Leads, ByTime, Reminders, Foretold;
    }

    [Fact]
    public void Evaluate_RandomPipelinesAndCustomers_AgreeWithTheModelAtEveryMoment()
    {
        var seen = new Seen();
        foreach (var seed in Seeds.From(0, 300, 10_000))
        {
            // Some random files are refused, rightly or not: StageFileTests says which. The next number stands in for them.
            var (world, rules) = Accepted(seed, seen);
            var random = new Random(seed);
            var last = world.Events.Max(e => e.TimeMs);
            foreach (var t in new[] { world.Events[0].TimeMs, last, last + random.Next(1, 90) * world.TickMs + random.Next(60_000) })
                Follow(world, rules, [.. world.Events.Where(e => e.TimeMs <= t)], t, random, seed, seen);
            seen.Worlds++;
        }
        output.WriteLine($"{seen.Worlds} worlds ({seen.Refused} refused before), {seen.Leads} leads, {seen.Steps} steps, {seen.ByTime} by time, "
            + $"{seen.Reminders} reminders; {seen.Foretold} changes foretold, all found");
        Assert.True(seen is { Steps: > 2_000, Leads: > 500, ByTime: > 200, Reminders: > 200, Foretold: > 150 });
    }

    private static (StageWorld World, RuleSet Rules) Accepted(int seed, Seen seen)
    {
        for (var attempt = 0; attempt < 100; attempt++)
        {
            var world = new StageWorld(seed + attempt * 1_000_003);
            try
            {
                return (world, RuleSet.Parse(world.Yaml, $"seed {seed}"));
            }
            catch (RuleFileException e) when (e.Reason.Contains("two owners") || e.Reason.Contains("by time alone"))
            {
                seen.Refused++;
            }
        }
        throw new InvalidOperationException($"Seed {seed} gives no pipeline.");
    }

    private static void Follow(StageWorld world, RuleSet rules, SlowEvent[] known, long t, Random random, int seed, Seen seen)
    {
        var (one, other) = (new Conclusion(), new Conclusion());
        random.Shuffle(known);
        var whole = Customer(Shard(rules, [.. known.Select(Told)]));
        random.Shuffle(known);
        var parts = Customer(known.GroupBy(e => e.Anchor).Select(a => Shard(rules, [.. a.Select(Told)])));
        for (var hop = 0; hop < 4; hop++)
        {
            rules.Evaluate(parts, t, other);
            rules.Evaluate(whole, t, one);
            Assert.True(one.Bytes.SequenceEqual(other.Bytes), $"seed {seed}: shards show\n{world.Yaml}");
            var steps = Steps(one);
            Assert.True(steps.SequenceEqual(world.StepsAt(known, t)), $"seed {seed}, t {t}, hop {hop}\n{world.Yaml}\nmodel:\n"
                + $"{string.Join('\n', world.StepsAt(known, t))}\nfound:\n{string.Join('\n', steps)}");
            seen.Steps += steps.Count;
            seen.Leads += steps.Count(s => s.Step == "created");
            seen.ByTime += steps.Count(s => s.Step is "after" or "idle");
            seen.Reminders += steps.Count(s => s.Step == "reminder");
            var next = one.NextChangeMs;
            Assert.True(next > t, $"seed {seed}: the next change {next} is not after {t}");
            var calmMs = next == long.MaxValue ? t + 60 * world.TickMs : next - 1;
            Assert.True(steps.SequenceEqual(world.StepsAt(known, calmMs)), $"seed {seed}: from {t}, {next} is late\n{world.Yaml}");
            if (next == long.MaxValue) return;
            Assert.True(world.StepsAt(known, next).Count > steps.Count, $"seed {seed}: from {t}, nothing changes at {next}\n{world.Yaml}");
            seen.Foretold++;
            t = next;
        }
    }

    private static List<SlowStep> Steps(Conclusion conclusion) => conclusion.HistoryOf(0) is not { } history ? []
        : [.. history.Entries.Select(e => new SlowStep(
            e.Lead, e.State, e.Previous, e.AtMs, e.Step.ToString().ToLowerInvariant(),
            e.Reminder < 0 ? "" : conclusion.Concluded!.Owner.Pipelines[0].Reminders[e.Reminder]))];

    private static Told Told(SlowEvent e) => new(e.Name, e.TimeMs) { EventId = e.EventId };
}
