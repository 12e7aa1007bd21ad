using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Profiles;
using ScrmStream.Rules;
using ScrmStream.TestKit;
using ScrmStream.TestKit.Rules;
using Xunit;
using Xunit.Abstractions;

namespace ScrmStream.Tests.Rules;

/// <summary>
/// Random rule files over random customers, against the slow model, at every moment worth asking: at and around events, at and around
/// every change that the engine foretells, and where it foretells none. Events come shuffled, some twice, over several anchors.
/// </summary>
public sealed class SlowRulesTests(ITestOutputHelper output)
{
    private const int HopsMax = 5;
    private const int ProbesBetween = 10;

    private static readonly SourcePartition Source = new(Guid.Empty, "rules", 0);

    private sealed class Seen
    {
        public int Members, Foretold, Real, Probes;
    }

    [Fact]
    public void Evaluate_RandomRulesAndCustomers_AgreeWithTheModelAtEveryMoment()
    {
        var seen = new Seen();
        foreach (var seed in Seeds.From(0, 300, 10_000))
        {
            var world = new RuleWorld(seed);
            var rules = RuleSet.Parse(world.Yaml, $"seed {seed}");
            var random = new Random(seed);
            foreach (var t in Moments(world, random))
            {
                var known = world.Events.Where(e => e.TimeMs <= t).ToList();
                if (known.Count == 0) continue;
                var customer = Fold(rules, known, random);
                Follow(world, rules, known, customer, t, random, seed, seen);
            }
        }
        output.WriteLine($"{seen.Members} members, {seen.Foretold} changes foretold, {seen.Real} found, {seen.Probes} moments between");
        // Tags that never hold and changes that are never foretold would test nothing; foretelling at random would cost timers.
        Assert.True(seen is { Members: > 5_000, Foretold: > 2_000, Probes: > 10_000 } && seen.Real * 2 > seen.Foretold);
    }

    [Fact]
    public void Fold_AnyOrderOfRandomEvents_GivesTheSameShardsToTheBit()
    {
        foreach (var seed in Seeds.From(10_000, 200, 2_000))
        {
            var world = new RuleWorld(seed);
            var rules = RuleSet.Parse(world.Yaml, $"seed {seed}");
            var expected = EventMaker.Shard(rules, [.. world.Events.Select(Told)]);
            var told = world.Events.Select(Told).ToArray();
            new Random(seed).Shuffle(told);
            Assert.True(EventMaker.Shard(rules, told).AsSpan().SequenceEqual(expected), $"seed {seed}\n{world.Yaml}");
            foreach (var aggregate in rules.Aggregates)
                Assert.True(new Shard(expected).Aggregate(aggregate.Key).Length <= aggregate.BytesMax, aggregate.Text);
        }
    }

    // From one moment over the changes that the engine foretells: none may be late or missing.
    private static void Follow(
        RuleWorld world, RuleSet rules, List<SlowEvent> known, ShardSet customer, long t, Random random, int seed, Seen seen)
    {
        var conclusion = new Conclusion();
        Dictionary<string, string>? before = null;
        for (var hop = 0; hop <= HopsMax; hop++)
        {
            rules.Evaluate(customer, t, conclusion);
            var expected = world.TagsAt(known, t);
            AssertSame(expected, conclusion.Tags(), world, known, $"seed {seed}, t {t}, hop {hop}");
            seen.Members += expected.Count;
            if (before is not null && !(expected.Count == before.Count && expected.All(tag => before.GetValueOrDefault(tag.Key) == tag.Value))) seen.Real++;
            before = expected;
            var next = conclusion.NextChangeMs;
            Assert.True(next > t, $"seed {seed}: the next change {next} is not after {t}");
            foreach (var between in Between(world, known, t, next, random))
            {
                seen.Probes++;
                AssertSame(expected, world.TagsAt(known, between), world, known, $"seed {seed}: from {t} nothing was foretold before {next}, but at {between}");
            }
            if (next == long.MaxValue) break;
            if (hop < HopsMax) seen.Foretold++;
            t = next;
        }
    }

    private static IEnumerable<long> Moments(RuleWorld world, Random random)
    {
        var last = world.Events.Max(e => e.TimeMs);
        var some = world.Events[random.Next(world.Events.Count)].TimeMs;
        return new[] { some, some + 1, some - 1, last, last + random.Next(1, 20) * world.StepMs - random.Next(2), last + random.NextInt64(40 * world.StepMs) }.Distinct();
    }

    // Where a change may lie that was not foretold: whole steps and days behind events, one millisecond before and after; and by chance.
    private static IEnumerable<long> Between(RuleWorld world, List<SlowEvent> known, long t, long next, Random random)
    {
        var end = Math.Min(next, t + 420 * SlowRules.DayMs);
        if (next != long.MaxValue && next - 1 > t) yield return next - 1;
        for (var i = 0; i < ProbesBetween; i++)
        {
            var e = known[random.Next(known.Count)].TimeMs;
            var at = random.Next(4) switch
            {
                0 => e + random.Next(1, 14) * world.StepMs + random.Next(-1, 2),
                1 => e + random.Next(1, 40) * world.StepMs,
                2 => t + random.NextInt64(1, Math.Max(2, end - t)),
                _ => t + random.NextInt64(1, 30 * world.StepMs),
            };
            if (at > t && at < end) yield return at;
        }
    }

    // Shuffled, some events twice, over as many shards as there are anchors: the shards as a run leaves them.
    internal static ShardSet Fold(RuleSet rules, List<SlowEvent> known, Random random)
    {
        var events = known.Concat(known.Where(e => e.EventId is not null && random.Next(4) == 0)).ToArray();
        random.Shuffle(events);
        var history = new ShardHistory(1024);
        Dictionary<int, ShardBuffer> shards = [];
        var batch = EventMaker.Batch([.. events.Select(Told)]);
        for (var i = 0; i < events.Length; i++)
        {
            if (!shards.TryGetValue(events[i].Anchor, out var shard))
            {
                shards.Add(events[i].Anchor, shard = new ShardBuffer());
                shard.Load(default);
            }
            ref var e = ref batch.Events[i];
            if (history.Enter(shard, new SourcePosition(Source, i, 0), ShardHistory.HashOf(batch.Text(e.EventId))) != EventHistory.New) continue;
            shard.Count(e.EventTimeMs, (int)e.Channel);
            rules.Fold(batch, in e, shard);
        }
        return EventMaker.Customer(shards.Values.Select(s => s.Bytes.ToArray()));
    }

    internal static Told Told(SlowEvent e) =>
        new(e.Name, e.TimeMs) { EventId = e.EventId, AmountFen = e.AmountFen, Properties = new(e.Properties) };

    private static void AssertSame(
        Dictionary<string, string> expected, Dictionary<string, string> found, RuleWorld world, List<SlowEvent> known, string what)
    {
        if (expected.Count == found.Count && expected.All(tag => found.GetValueOrDefault(tag.Key) == tag.Value)) return;
        static string Show(Dictionary<string, string> tags) => string.Join(", ", tags.OrderBy(t => t.Key).Select(t => $"{t.Key}={t.Value}"));
        var events = known.OrderBy(e => e.TimeMs).Select(e =>
            $"{e.TimeMs} {e.Name} {e.EventId} {e.AmountFen} {string.Join(' ', e.Properties.Select(p => $"{p.Key}={p.Value}"))}");
        Assert.Fail($"{what}\nmodel  {Show(expected)}\nfound  {Show(found)}\n{world.Yaml}{string.Join('\n', events)}");
    }
}
