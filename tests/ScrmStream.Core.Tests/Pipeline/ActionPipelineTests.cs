using System.Text;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Rules;
using ScrmStream.Rules.Actions;
using ScrmStream.Tests.Pipeline.Timers;
using ScrmStream.TestKit;
using ScrmStream.TestKit.Rules;
using Xunit;

namespace ScrmStream.Tests.Pipeline;

/// <summary>Actions over the whole pipeline, over memory stores: a reader who keeps ids gets what the slow model says, once.</summary>
public sealed class ActionPipelineTests
{
    private const long Noon = 1_760_000_000_000;
    private const int Hour = 3_600_000;

    private static readonly RuleSet Welcome = RuleSet.Parse("""
        actions:
          - { action: welcome, when: seen(event = "register"), once: true }
          - { action: silent, when: 'not seen(any, within 5h)', to: staff }
        """, "r");

    /// <summary>Events in order within each partition, flushes of any size, stops and crashes: the same actions as at once.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_RandomRulesStopsAndCrashes_GivesTheActionsOfTheModel(bool isSoleWriter)
    {
        var (found, crashes) = (0, 0);
        foreach (var seed in Seeds.From(60_000, 80, 1_500))
        {
            var world = new ActionWorld(seed);
            var rules = RuleSet.Parse(world.Yaml, $"seed {seed}", MemoryLimits.Replay);
            var random = new Random(seed);
            var customers = Enumerable.Range(0, random.Next(1, 5)).Select(_ => world.Rules.AnotherCustomer()).ToArray();
            var partitions = Partitions(customers, random);
            var stores = new TimedStores(isSoleWriter);
            for (var attempt = 0; ; attempt++)
            {
                var crashing = new CrashingViews(stores.Views, random, attempt < 3 ? random.Next(1, 9) : int.MaxValue);
                try
                {
                    await stores.RunAsync(rules, partitions, [0, 1, 2], seed + attempt, views: crashing);
                    break;
                }
                catch (CrashException)
                {
                    crashes++;
                }
            }
            var endMs = customers.SelectMany(c => c).Max(e => e.TimeMs);
            for (var i = 0; i < customers.Length; i++)
            {
                var expected = world.Model.Decide(customers[i], endMs).Select(d => $"{d.At} {d.Decided} {d.Action} {d.Reason}").Order().ToList();
                var told = stores.Analytics.Actions.Values.Where(a => a.Customer == IdOf($"u{i}", "app"))
                    .Select(a => $"{a.AtMs} {a.DecidedMs} {a.Action} {a.Reason}").Order().ToList();
                found += told.Count;
                Assert.True(expected.SequenceEqual(told), $"seed {seed}, customer {i}\n{string.Join('\n', expected)}\nfound\n"
                    + $"{string.Join('\n', told)}\n{world.Yaml}{string.Join('\n', customers[i].OrderBy(e => e.TimeMs))}");
            }
        }
        Assert.True(found > 150 && crashes > 40, $"{found} actions, {crashes} crashes: the test shows little");
    }

    /// <summary>Two customers were welcomed and become one; later they part again: nobody is welcomed twice.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_AMergeAndAnUnmerge_WelcomeNobodyTwice(bool isSoleWriter)
    {
        var stores = new TimedStores(isSoleWriter);
        List<byte[]> lines = [Line("register", Noon, "a"), Line("register", Noon + 10, "b"), Line("view", Noon + 20, "z")];
        await stores.RunAsync(Welcome, [[.. lines]], [0], 1);
        lines.AddRange([Line("view", Noon + 1_000, "a", "p"), Line("view", Noon + 1_001, "b", "p"), Line("register", Noon + 2_000, "a")]);
        await stores.RunAsync(Welcome, [[.. lines]], [0], 2);
        Assert.True(stores.Views.Find(IdOf("b"))!.Fields.ContainsKey("merged_into"));
        lines.AddRange([Line("identity_unbind", Noon + 3_000, "b", "p"), Line("register", Noon + 4_000, "b"), Line("view", Noon + Hour, "z")]);
        await stores.RunAsync(Welcome, [[.. lines]], [0], 3);
        Assert.False(stores.Views.Find(IdOf("b"))!.Fields.ContainsKey("merged_into"));
        Assert.Equal(
            ["0 a", "10 b"], stores.Analytics.Actions.Values.Where(a => a.Action == "welcome" && a.IsSent).OrderBy(a => a.AtMs)
                .Select(a => $"{a.AtMs - Noon} {(a.Customer == IdOf("a") ? "a" : "b")}"));
        Assert.Equal("sent", stores.Views.Find(IdOf("b"))!.Fields["action.welcome"]);
        Assert.Equal($"{Noon + 10}", stores.Views.Find(IdOf("b"))!.Fields["action.welcome.at"]);
    }

    /// <summary>Silence is nobody's event: the action comes when time has passed, also after a restart.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_AfterARestart_TimeBringsTheActionOfWhomNobodyNames(bool isSoleWriter)
    {
        var stores = new TimedStores(isSoleWriter);
        byte[][] first = [Line("view", Noon, "a"), Line("view", Noon + Hour, "z")];
        await stores.RunAsync(Welcome, [first], [0], 1);
        Assert.Empty(stores.Analytics.Actions);
        await stores.RunAsync(Welcome, [[.. first, Line("view", Noon + 5 * Hour + 7, "z")]], [0], 2);
        var action = Assert.Single(stores.Analytics.Actions.Values);
        Assert.Equal(("silent", Noon + 5 * Hour, IdOf("a")), (action.Action, action.AtMs, action.Customer));
    }

    /// <summary>What comes to light more than a day late is passed over; what is an hour late is not.</summary>
    [Fact]
    public async Task Run_LateEvents_AreDecidedForADay()
    {
        var stores = new TimedStores(isSoleWriter: true);
        List<byte[]> lines = [Line("view", Noon, "z"), Line("view", Noon + 48 * Hour, "z")];
        await stores.RunAsync(Welcome, [[.. lines]], [0], 1);
        lines.AddRange([Line("register", Noon + 47 * Hour, "a"), Line("register", Noon + Hour, "b")]);
        await stores.RunAsync(Welcome, [[.. lines]], [0], 2);
        Assert.Equal(IdOf("a"), Assert.Single(stores.Analytics.Actions.Values, a => a.Action == "welcome").Customer);
    }

    private static byte[][][] Partitions(IReadOnlyList<SlowEvent>[] customers, Random random)
    {
        var lines = new List<(long TimeMs, byte[] Json)>[] { [], [], [] };
        for (var i = 0; i < customers.Length; i++)
        {
            foreach (var e in customers[i]) lines[random.Next(3)].Add((e.TimeMs, Encoding.UTF8.GetBytes(TimedWorld.Json(e, $"u{i}"))));
        }
        // A partition without events says nothing of time.
        foreach (var line in lines) line.Add((customers.SelectMany(c => c).Min(e => e.TimeMs), Line("other", customers.SelectMany(c => c).Min(e => e.TimeMs), "z")));
        return [.. lines.Select(l => l.OrderBy(e => e.TimeMs).Select(e => e.Json).ToArray())];
    }

    private static IdentifierId IdOf(string user, string scope) => IdentifierId.Of(Encoding.UTF8.GetBytes($"openid:{scope}:{user}"));

    // Each in an app of its own, so that a phone may join them.
    private static IdentifierId IdOf(string user) => IdOf(user, $"app-{user}");

    private static byte[] Line(string name, long timeMs, string user, string? phone = null)
    {
        var also = phone is null ? "" : """,{"kind":"phone","value":"+8613912345678"}""";
        return Encoding.UTF8.GetBytes(
            $$"""{"event":"{{name}}","event_time":{{timeMs}},"identifiers":[{"kind":"openid","scope":"app-{{user}}","value":"{{user}}"}{{also}}]}""");
    }
}
