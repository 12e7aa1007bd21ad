using ScrmStream.Profiles;
using ScrmStream.Rules;
using ScrmStream.Rules.Actions;
using ScrmStream.TestKit;
using ScrmStream.TestKit.Rules;
using Xunit;
using Xunit.Abstractions;

namespace ScrmStream.Tests.Rules.Actions;

/// <summary>Random actions over random customers, against the slow model: which occurrences, when decided, and why not sent.</summary>
public sealed class SlowActionsTests(ITestOutputHelper output)
{
    [Fact]
    public void Run_RandomRulesAndCustomers_DecidesAsTheModel()
    {
        var reasons = new SortedDictionary<string, int>();
        foreach (var seed in Seeds.From(20_000, 300, 10_000))
        {
            var world = new ActionWorld(seed);
            var rules = RuleSet.Parse(world.Yaml, $"seed {seed}", MemoryLimits.Replay);
            var random = new Random(seed);
            foreach (var events in Customers(world, random))
            {
                var upToMs = events.Max(e => e.TimeMs) + random.Next(0, 20) * world.Rules.StepMs;
                var expected = world.Model.Decide(events, upToMs);
                AssertSame(expected, Decide(rules, events, random, upToMs), world, events, $"seed {seed} up to {upToMs}");
                foreach (var decision in expected) reasons[decision.Reason] = reasons.GetValueOrDefault(decision.Reason) + 1;
            }
        }
        output.WriteLine(string.Join(", ", reasons.Select(r => $"{(r.Key == "" ? "sent" : r.Key)} {r.Value}")));
        Assert.True(reasons.Count == 5 && reasons.Values.All(n => n >= 5), "some reasons were never met: the test shows little");
    }

    /// <summary>Decided bit by bit as the watermark moves, with events known ahead of it: the same as all at once.</summary>
    [Fact]
    public void Run_BitByBit_DecidesAsAtOnce()
    {
        foreach (var seed in Seeds.From(30_000, 100, 3_000))
        {
            var world = new ActionWorld(seed);
            var rules = RuleSet.Parse(world.Yaml, $"seed {seed}", MemoryLimits.Replay);
            var random = new Random(seed);
            var events = world.Rules.Events;
            var (first, last) = (events.Min(e => e.TimeMs), events.Max(e => e.TimeMs) + 10 * world.Rules.StepMs);
            var (stored, decided) = (Array.Empty<byte>(), new List<SlowDecision>());
            for (var upToMs = first - 1; ; upToMs = Math.Min(last, upToMs + random.NextInt64(1, (last - first) / 4 + 2)))
            {
                var known = events.Where(e => e.TimeMs <= upToMs || random.Next(2) == 0).ToList();
                if (known.Count > 0)
                {
                    var log = new ActionLog();
                    log.Add(stored);
                    decided.AddRange(Decide(rules, known, random, upToMs, log));
                    log.DecidedUpToMs = upToMs;
                    stored = log.Store().ToArray();
                }
                if (upToMs == last) break;
            }
            AssertSame(world.Model.Decide(events, last), decided, world, events, $"seed {seed}");
        }
    }

    /// <summary>With room for a few events only, the moments behind those that are added up are right.</summary>
    [Fact]
    public void Run_LittleMemory_IsRightSinceTheEarliestRememberedEvent()
    {
        var found = 0;
        foreach (var seed in Seeds.From(40_000, 100, 2_000))
        {
            var world = new ActionWorld(seed);
            var random = new Random(seed);
            var limits = new MemoryLimits(random.Next(1, 9), random.Next(100, 600), 1L << 60, 1L << 60);
            var rules = RuleSet.Parse(world.Yaml, $"seed {seed}", limits);
            var events = world.Rules.Events;
            var upToMs = events.Max(e => e.TimeMs) + 10 * world.Rules.StepMs;
            var customer = SlowRulesTests.Fold(rules, [.. events], random);
            var startMs = long.MinValue;
            for (var i = 0; i < customer.Count; i++)
                startMs = Math.Max(startMs, RecentEvents.AddedUpTo(customer[i].Aggregate(rules.Actions!.Memory.Key)));
            var expected = Occurrences(world.Model.Decide(events, upToMs)).Where(o => o.At > startMs).ToList();
            var decided = Occurrences(Decide(rules, events, random, upToMs)).ToList();
            found += expected.Count;
            Assert.True(expected.SequenceEqual(decided), $"seed {seed}, since {startMs}\n{string.Join('\n', expected)}\nfound\n{string.Join('\n', decided)}\n{world.Yaml}");
        }
        Assert.True(found > 50, $"only {found} occurrences");
    }

    [Fact]
    public void Fold_AnyOrderOfRandomEvents_GivesTheSameShardsToTheBit()
    {
        foreach (var seed in Seeds.From(50_000, 150, 2_000))
        {
            var world = new ActionWorld(seed);
            var limits = new MemoryLimits(new Random(seed).Next(1, 12), 500, 9 * world.Rules.StepMs, 1);
            var rules = RuleSet.Parse(world.Yaml, $"seed {seed}", limits);
            var told = world.Rules.Events.Select(SlowRulesTests.Told).ToArray();
            var expected = EventMaker.Shard(rules, told);
            new Random(seed).Shuffle(told);
            Assert.True(EventMaker.Shard(rules, told).AsSpan().SequenceEqual(expected), $"seed {seed}\n{world.Yaml}");
            foreach (var aggregate in rules.Aggregates)
                Assert.True(new Shard(expected).Aggregate(aggregate.Key).Length <= aggregate.BytesMax, aggregate.Text);
        }
    }

    // All identifiers as one customer, and, as after an unmerge, some of them.
    private static IEnumerable<IReadOnlyList<SlowEvent>> Customers(ActionWorld world, Random random)
    {
        yield return world.Rules.Events;
        var part = world.Rules.Events.Where(e => e.Anchor < random.Next(1, 4)).ToList();
        if (part.Count > 0) yield return part;
    }

    private static List<SlowDecision> Decide(
        RuleSet rules, IReadOnlyList<SlowEvent> events, Random random, long upToMs, ActionLog? log = null)
    {
        var walk = new ActionWalk(rules.Actions!);
        var customer = SlowRulesTests.Fold(rules, [.. events], random);
        walk.Run(customer, log ?? new ActionLog(), long.MinValue, upToMs);
        Assert.Equal(upToMs, walk.DecidedUpToMs);
        Assert.True(walk.NextMs > upToMs);
        return [.. walk.Decisions.Select(d =>
            new SlowDecision(d.Rule.Name, d.Entry.AtMs, d.Entry.DecidedMs, d.Entry.Reason, d.Rule.IsForStaff))];
    }

    private static IEnumerable<(string Action, long At)> Occurrences(IEnumerable<SlowDecision> decisions) =>
        decisions.Select(d => (d.Action, d.At)).Order();

    private static void AssertSame(
        List<SlowDecision> expected, List<SlowDecision> found, ActionWorld world, IReadOnlyList<SlowEvent> events, string what)
    {
        if (expected.SequenceEqual(found)) return;
        var told = events.OrderBy(e => e.TimeMs).Select(e => $"{e.TimeMs} {e.Name} {string.Join(' ', e.Properties.Select(p => $"{p.Key}={p.Value}"))}");
        Assert.Fail($"{what}\nmodel\n{string.Join('\n', expected)}\nfound\n{string.Join('\n', found)}\n{world.Yaml}{string.Join('\n', told)}");
    }
}
