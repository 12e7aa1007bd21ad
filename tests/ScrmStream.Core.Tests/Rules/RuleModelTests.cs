using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using ScrmStream.Rules;
using Xunit;
using static ScrmStream.Tests.Rules.EventMaker;

namespace ScrmStream.Tests.Rules;

/// <summary>
/// The rules against a slow model that looks at all events again, on random streams; and the promise that order, batching and the
/// split over shards never show, to the bit.
/// </summary>
public sealed class RuleModelTests
{
    private static readonly RuleSet Rules = RuleSet.Parse(
        """
        tags:
          - { tag: count_ever, when: count(event = "a") > 3 }
          - { tag: count_within, when: 'count(event = "a" and properties.p = "x", within: 12h) >= 3' }
          - { tag: count_exact, when: 'count(event in ("a", "b"), within: 1d) = 2' }
          - { tag: sum_ever, when: 'sum(amount_fen, event != "c") >= 100' }
          - { tag: sum_within, when: 'sum(properties.n, any, within: 9h) < -1.5' }
          - { tag: algebra, when: '(seen(event = "a", within: 6h) or not seen(event = "b")) and count(any) != 5' }
          - { tag: fresh, when: 'first_seen within 2d' }
          - { tag: seen_expires, when: 'seen(event = "b", within: 1h)', expires: 5h }
          - { tag: ever_expires, when: 'count(event = "a") >= 4', expires: 5h }
          - { tag: count_expires, when: 'count(event = "a", within: 6h) >= 3', expires: 2d }
          - { tag: mixed_expires, when: 'count(event = "a", within: 4h) >= 2 and not seen(event = "b", within: 8h) or sum(amount_fen, any) = 50', expires: 1d }
          - { tag: last_p, value: 'last(properties.p, event != "c", within: 1d)' }
          - { tag: number, value: 'sum(properties.n, event = "a", within: 1d)' }
        scores:
          - score: fading
            half_life: 1h
            points:
              - { when: event = "a", add: 2.5 }
              - { when: event = "b" and properties.p = "x", add: -1 }
              - { when: any, add: 3, cap: 7 per 1d }
          - score: plain
            points:
              - { when: event = "c", add: 0.000001 }
              - { when: event = "a", add: -4, cap: 10 per 1w }
        """, "model");

    private static string? Model(string tag, List<Told> all, long t) => tag switch
    {
        "count_ever" => One(Count(all, t, 0, e => e.Name == "a") > 3),
        "count_within" => One(Count(all, t, 12, e => e.Name == "a" && P(e) == "x") >= 3),
        "count_exact" => One(Count(all, t, 24, e => e.Name is "a" or "b") == 2),
        "sum_ever" => One(all.Where(e => e.Name != "c").Sum(e => e.AmountFen ?? 0) >= 100),
        "sum_within" => One(Within(all, t, 9).Sum(N) < -1.5m),
        "algebra" => One((Count(all, t, 6, e => e.Name == "a") > 0 || all.All(e => e.Name != "b")) && all.Count != 5),
        "fresh" => One(all.Min(e => e.TimeMs) > t - 48 * HourMs),
        "seen_expires" => Expiring(all, t, 5, e => e.Name == "b", at => Count(all, at, 1, e => e.Name == "b") >= 1),
        "ever_expires" => Expiring(all, t, 5, e => e.Name == "a", at => Count(all, at, 0, e => e.Name == "a") >= 4),
        "count_expires" => Expiring(all, t, 48, e => e.Name == "a", at => Count(all, at, 6, e => e.Name == "a") >= 3),
        "mixed_expires" => Expiring(all, t, 24, e => e.Name is "a" or "b" || e.AmountFen is not null, at =>
            (Count(all, at, 4, e => e.Name == "a") >= 2 && Count(all, at, 8, e => e.Name == "b") == 0)
            || all.Where(e => e.TimeMs <= at).Sum(e => e.AmountFen ?? 0) == 50),
        "last_p" => LastP(all, t),
        "number" => Within(all, t, 24).Any(e => e.Name == "a" && e.Properties.ContainsKey("n"))
            ? Within(all, t, 24).Where(e => e.Name == "a").Sum(N).ToString("0.######", CultureInfo.InvariantCulture) : null,
        _ => throw new ArgumentException(tag),
    };

    private static double ModelScore(string score, List<Told> all, long t)
    {
        double Faded(Told e) => Math.Pow(0.5, (t - e.TimeMs) / (double)HourMs);
        double Scale(double cap, double raw) => Math.Abs(raw) > cap ? cap / Math.Abs(raw) : 1;
        static long Day(Told e) => (e.TimeMs + 8 * HourMs) / DayMs;
        if (score == "fading")
        {
            return all.Where(e => e.Name == "a").Sum(e => 2.5 * Faded(e)) - all.Where(e => e.Name == "b" && P(e) == "x").Sum(Faded)
                + all.GroupBy(Day).Sum(day => Scale(7, 3 * day.Count()) * day.Sum(e => 3 * Faded(e)));
        }
        return all.Count(e => e.Name == "c") * 0.000001
            + all.Where(e => e.Name == "a").GroupBy(e => (Day(e) + 3) / 7).Sum(week => Scale(10, 4 * week.Count()) * -4 * week.Count());
    }

    [Fact]
    public void Evaluate_RandomStreams_AgreesWithTheModel()
    {
        var held = new Dictionary<string, int>();
        for (var seed = 0; seed < 1_500; seed++)
        {
            var all = Stream(seed);
            var t = all.Max(e => e.TimeMs);
            var conclusion = Conclude(Rules, all);
            var tags = conclusion.Tags();
            foreach (var tag in Rules.Tags)
            {
                var expected = Model(tag.Name, all, t);
                Assert.True(expected == tags.GetValueOrDefault(tag.Name), $"seed {seed}: {tag.Name} is {tags.GetValueOrDefault(tag.Name)}, model {expected}");
                if (expected is not null) held[tag.Name] = held.GetValueOrDefault(tag.Name) + 1;
            }
            foreach (var score in Rules.Scores)
            {
                var expected = ModelScore(score.Name, all, t);
                Assert.True(Math.Abs(conclusion.Points(score.Name) - expected) <= 6e-7 + 1e-9 * all.Count, $"seed {seed}: {score.Name}");
            }
        }
        // A tag that never or always holds would test nothing.
        foreach (var tag in Rules.Tags) Assert.InRange(held.GetValueOrDefault(tag.Name), 30, 1_470);
    }

    [Fact]
    public void Fold_AnyOrder_GivesTheSameShardToTheBit() => Check.QuickThrowOnFailure(Prop.ForAll<int, int>((seed, order) =>
    {
        var all = Stream(seed);
        var expected = Shard(Rules, all);
        Shuffle(all, order);
        return Shard(Rules, all).AsSpan().SequenceEqual(expected);
    }));

    [Fact]
    public void Evaluate_AnySplitOverShards_GivesTheSameConclusionToTheBit() => Check.QuickThrowOnFailure(Prop.ForAll<int, int>((seed, split) =>
    {
        var all = Stream(seed);
        var t = all.Max(e => e.TimeMs);
        var expected = Conclude(Rules, all).Bytes.ToArray();
        Shuffle(all, split);
        var random = new Random(split);
        var shards = all.GroupBy(_ => random.Next(5)).Select(part => Shard(Rules, [.. part]));
        var conclusion = new Conclusion();
        Rules.Evaluate(Customer(shards), t, conclusion);
        return conclusion.Bytes.SequenceEqual(expected);
    }));

    [Fact]
    public void Fold_AfterSavingAndLoading_GoesOnTheSame()
    {
        var all = Stream(7);
        var batch = Batch(all);
        var shard = new ScrmStream.Profiles.ShardBuffer();
        byte[] stored = [];
        foreach (ref var e in batch.Events)
        {
            shard.Load(stored);
            shard.Count(e.EventTimeMs, (int)e.Channel);
            Rules.Fold(batch, in e, shard);
            stored = shard.Bytes.ToArray();
        }
        Assert.Equal(Shard(Rules, all), stored);
    }

    // Times are whole hours, so that window edges are hit; some streams are dense, some span many epochs of the one-hour half-life.
    private static List<Told> Stream(int seed)
    {
        var random = new Random(seed);
        var hours = random.Next(3) switch { 0 => 12, 1 => 72, _ => 400 };
        return [.. Enumerable.Range(0, random.Next(1, 40)).Select(i =>
        {
            Dictionary<string, object> properties = [];
            if (random.Next(3) > 0) properties.Add("p", random.Next(2) == 0 ? "x" : "y");
            if (random.Next(2) == 0) properties.Add("n", random.Next(2) == 0 ? random.Next(-3, 3) / 4.0 : random.NextInt64(-2, 2));
            return new Told("abcd"[random.Next(4)].ToString(), StartMs + random.Next(hours) * HourMs)
            {
                EventId = random.Next(4) == 0 ? null : $"e{i}", AmountFen = random.Next(3) == 0 ? random.Next(0, 60) : null, Properties = properties,
            };
        })];
    }

    private static void Shuffle(List<Told> all, int order) =>
        new Random(order).Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(all));

    private static string? One(bool holds) => holds ? "1" : null;

    private static string? P(Told e) => e.Properties.GetValueOrDefault("p") as string;

    private static decimal N(Told e) => e.Properties.TryGetValue("n", out var n) ? Convert.ToDecimal(n, CultureInfo.InvariantCulture) : 0;

    private static IEnumerable<Told> Within(List<Told> all, long t, int hours) =>
        all.Where(e => e.TimeMs <= t && (hours == 0 || e.TimeMs > t - hours * HourMs));

    private static int Count(List<Told> all, long t, int hours, Func<Told, bool> filter) => Within(all, t, hours).Count(filter);

    private static string? Expiring(List<Told> all, long t, int expiresHours, Func<Told, bool> filter, Func<long, bool> holdsAt) =>
        One(all.Where(filter).Select(e => e.TimeMs).Any(at => at > t - expiresHours * HourMs && holdsAt(at)));

    private static string? LastP(List<Told> all, long t)
    {
        var last = all.Where(e => e.Name != "c" && P(e) is not null).OrderBy(e => e.TimeMs)
            .ThenBy(e => e.EventId ?? "", StringComparer.Ordinal).ThenBy(P, StringComparer.Ordinal).LastOrDefault();
        return last is not null && last.TimeMs > t - 24 * HourMs ? P(last) : null;
    }
}
