using System.Text;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.TestKit;
using Xunit;

namespace ScrmStream.Tests.Pipeline.Timers;

/// <summary>The whole pipeline with time passing, over memory stores, against the slow model of rules.</summary>
public sealed class TimedPipelineTests
{
    private const long Noon = 1_760_000_000_000;
    private const int Hour = 3_600_000;

    private static readonly RuleSet Rules = RuleSet.Parse("""
        tags:
          - { tag: busy, when: 'count(event = "view", within 1h) >= 3' }
          - { tag: silent, when: 'not seen(any, within 5h)' }
          - { tag: fresh, when: 'seen(event = "view")', expires: 2h }
        """, "test");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_RandomRulesAndEvents_EndsAsOfTheEnd(bool isSoleWriter)
    {
        long woken = 0;
        foreach (var seed in Seeds.From(0, 60, 3_000))
        {
            var world = new TimedWorld(seed, partitions: 3);
            var stores = new TimedStores(isSoleWriter);
            woken += (await stores.RunAsync(world.Rules, world.Partitions, [0, 1, 2], seed)).Woken;
            world.AssertViewsAreAsOfTheEnd(stores.Views, seed);
        }
        Assert.True(woken > 100, $"only {woken} were woken: the test shows nothing");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_StoppedAndStartedAgain_EndsAsOfTheEnd(bool isSoleWriter)
    {
        long woken = 0;
        foreach (var seed in Seeds.From(5_000, 40, 2_000))
        {
            var world = new TimedWorld(seed, partitions: 3);
            var stores = new TimedStores(isSoleWriter);
            byte[][][] cut = [.. world.Partitions.Select(p => p[..(p.Length / 2)])];
            await stores.RunAsync(world.Rules, cut, [0, 1, 2], seed);
            woken += (await stores.RunAsync(world.Rules, world.Partitions, [0, 1, 2], seed + 1)).Woken;
            world.AssertViewsAreAsOfTheEnd(stores.Views, seed);
        }
        Assert.True(woken > 20, $"only {woken} were woken: the test shows nothing");
    }

    /// <summary>Customers scattered over the partitions of three processes, which end at different times.</summary>
    [Fact]
    public async Task Run_ThreeProcesses_EndAsOfTheEnd()
    {
        foreach (var seed in Seeds.From(10_000, 40, 2_000))
        {
            var world = new TimedWorld(seed, partitions: 3);
            var stores = new TimedStores(isSoleWriter: false);
            await Task.WhenAll(Enumerable.Range(0, 3).Select(p => stores.RunAsync(world.Rules, world.Partitions, [p], seed + p)));
            world.AssertViewsAreAsOfTheEnd(stores.Views, seed);
        }
    }

    /// <summary>Crashes in the middle of writing, also of one call; a timer goes with its view or not at all.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_CrashingAndStartedAgain_EndsAsOfTheEnd(bool isSoleWriter)
    {
        var crashes = 0;
        foreach (var seed in Seeds.From(15_000, 40, 2_000))
        {
            var world = new TimedWorld(seed, partitions: 2);
            var stores = new TimedStores(isSoleWriter);
            var random = new Random(seed);
            for (var attempt = 0; ; attempt++)
            {
                var crashing = new CrashingViews(stores.Views, random, attempt < 4 ? random.Next(1, 6) : int.MaxValue);
                try
                {
                    await stores.RunAsync(world.Rules, world.Partitions, [0, 1], seed + attempt, views: crashing);
                    break;
                }
                catch (CrashException)
                {
                    crashes++;
                }
            }
            world.AssertViewsAreAsOfTheEnd(stores.Views, seed);
        }
        Assert.True(crashes > 30, $"only {crashes} crashed: the test shows nothing");
    }

    /// <summary>Everything is known from before, and nothing happens to most customers: their timers are found in the store.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_AfterARestart_TimePassesForThoseNobodyNames(bool isSoleWriter)
    {
        var stores = new TimedStores(isSoleWriter);
        var first = Views(0, 200, [Noon, Noon + 1, Noon + 2]);
        await stores.RunAsync(Rules, [first], [0], 1);
        Assert.Equal("busy,fresh", TagsOf(stores, 7));
        var pipeline = await stores.RunAsync(Rules, [[.. first, .. Views(999, 1, [Noon + 90 * 60_000])]], [0], 2);
        Assert.Equal("fresh", TagsOf(stores, 7));
        Assert.Equal(200, pipeline.Woken);
        await stores.RunAsync(Rules, [[.. first, .. Views(999, 1, [Noon + 90 * 60_000, Noon + 6 * Hour])]], [0], 3);
        Assert.Equal("silent", TagsOf(stores, 7));
        Assert.Equal("fresh", TagsOf(stores, 999));
    }

    /// <summary>Each change says its own moment, though time passes in leaps.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_TimePassesInLeaps_ChangesSayTheirOwnMoment(bool isSoleWriter)
    {
        var stores = new TimedStores(isSoleWriter);
        await stores.RunAsync(Rules, [[.. Views(1, 1, [Noon, Noon + 5, Noon + 9]), .. Views(2, 1, [Noon + 10 * Hour])]], [0], 1);
        var changes = stores.Analytics.Tags.Values.Where(c => c.Customer == IdOf(1)).OrderBy(c => c.SinceMs).ThenBy(c => c.Tag)
            .Select(c => $"{c.Tag} {c.Previous}>{c.Value} {c.SinceMs - Noon}");
        // The gains are those of the flush that saw them, at the customer's last event then.
        Assert.Equal(["busy 1> 3600000", "fresh 1> 7200009", "silent >1 18000009"], changes.TakeLast(3));
        Assert.Equal("silent", TagsOf(stores, 1));
    }

    /// <summary>What left does not come back by an event that comes late; what it changes is seen.</summary>
    [Fact]
    public async Task Run_ALateEvent_IsJudgedAtTheWatermark()
    {
        var stores = new TimedStores(isSoleWriter: true);
        byte[][] first = [.. Views(1, 1, [Noon, Noon + 5]), .. Views(2, 1, [Noon + 3 * Hour])];
        await stores.RunAsync(Rules, [first], [0], 1);
        Assert.Equal("", TagsOf(stores, 1));
        await stores.RunAsync(Rules, [[.. first, .. Views(1, 1, [Noon + 7])]], [0], 2);
        Assert.Equal("", TagsOf(stores, 1));
        // It has held since, and is over: both are told, in the time in which it would have been seen.
        Assert.DoesNotContain(stores.Analytics.Tags.Values, c => c.Customer == IdOf(1) && c.Tag == "busy" && c.Value == "1" && c.SinceMs > Noon + Hour);
        await stores.RunAsync(Rules, [[.. first, .. Views(1, 1, [Noon + 7, Noon + 2 * Hour])]], [0], 3);
        Assert.Equal("fresh", TagsOf(stores, 1));
    }

    [Fact]
    public async Task Run_RulesThatOnlyEventsChange_StoresNoTimer()
    {
        var rules = RuleSet.Parse("tags:\n  - { tag: seen, when: 'seen(any)' }\nscores:\n  - { score: s, half_life: 1d, points: [{ when: any, add: 1 }] }", "r");
        Assert.False(rules.NeedsTimers);
        var stores = new TimedStores(isSoleWriter: true);
        await stores.RunAsync(rules, [Views(1, 5, [Noon])], [0], 1);
        Assert.All(stores.Views.Customers(), c => Assert.Equal(long.MaxValue, c.View.TimerMs));
    }

    private static string TagsOf(TimedStores stores, int customer) =>
        string.Join(',', stores.Views.Find(IdOf(customer))!.Tags.Keys.Order());

    private static IdentifierId IdOf(int customer) => IdentifierId.Of(Encoding.UTF8.GetBytes($"openid:a:c{customer}"));

    private static byte[][] Views(int first, int customers, long[] times) => ListSource.Utf8(Enumerable.Range(first, customers)
        .SelectMany(c => times.Select(t => $$"""{"event":"view","event_time":{{t}},"identifiers":[{"kind":"openid","scope":"a","value":"c{{c}}"}]}""")));
}
