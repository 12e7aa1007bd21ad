using System.Text;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.TestKit;
using ScrmStream.TestKit.Rules;
using ScrmStream.Tests.Pipeline.Timers;
using Xunit;

namespace ScrmStream.Tests.Pipeline.Leads;

/// <summary>The whole pipeline with leads, over memory stores: they follow merges and unmerges, and time, like the slow model says.</summary>
public sealed class LeadPipelineTests
{
    private const long Noon = 1_760_000_000_000;
    private const int Hour = 3_600_000;

    private static readonly RuleSet Sales = RuleSet.Parse("""
        stages:
          - pipeline: sales
            type: sales
            states: { listed: A, assigned: B, won: C, pool: D }
            final: won
            create: [{ to: listed, on: event = "form" }]
            transitions:
              - { from: [listed, pool], to: assigned, on: event = "assign" }
              - { from: [listed, assigned, pool], to: won, on: event = "order" }
              - { from: assigned, to: pool, after: 5h }
            reminders:
              - { reminder: call, from: assigned, idle: 2h }
        """, "sales");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_MergesAndUnmerges_LeaveTheLeadsOfTheModel(bool isSoleWriter)
    {
        var (leads, unmerged, emptied) = (0, 0, 0);
        foreach (var seed in Seeds.From(0, 60, 2_000))
        {
            var (world, rules) = Accepted(seed);
            var stores = new TimedStores(isSoleWriter);
            var (customers, values, endMs) = Scatter(world, seed);
            byte[][][] cut = [.. values.Select(p => p[..(p.Length / 2)])];
            await stores.RunAsync(rules, cut, [0, 1, 2], seed);
            await stores.RunAsync(rules, values, [0, 1, 2], seed + 1);
            var alive = new HashSet<IdentifierId>();
            foreach (var events in customers)
            {
                var id = CustomerOf(stores, events[0]);
                alive.Add(id);
                var expected = world.StepsAt(events, endMs);
                var found = stores.Analytics.Leads.GetValueOrDefault((id, "p"));
                var steps = found?.Steps.Select(s => new SlowStep(
                    s.Lead, int.Parse(s.Stage[1..]), s.Previous is null ? -1 : int.Parse(s.Previous[1..]), s.AtMs, s.Step, s.Reminder ?? "")) ?? [];
                Assert.True(expected.SequenceEqual(steps), $"seed {seed}\n{world.Yaml}\nmodel\n{string.Join('\n', expected)}\nfound\n"
                    + string.Join('\n', steps));
                var fields = stores.Views.Find(id)!.Fields;
                Assert.Equal(expected.Count == 0 ? null : $"s{expected[^1].State}", fields.GetValueOrDefault("stage.p"));
                if (found is { Leads.Count: > 0 }) Assert.Equal(found.Leads[^1].Id, fields["lead.p"]);
                leads += found?.Leads.Count ?? 0;
            }
            unmerged += alive.Count - 3;
            var dead = stores.Analytics.Leads.Values.Where(l => !alive.Contains(l.Customer)).ToList();
            Assert.All(dead, l => Assert.Empty(l.Leads));
            emptied += dead.Count;
        }
        Assert.True(leads > 150 && unmerged > 30 && emptied > 30, $"{leads} leads, {unmerged} unmerged, {emptied} emptied");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_TimePasses_EachStepIsAnnouncedOnceWithItsOwnMoment(bool isSoleWriter)
    {
        var stores = new TimedStores(isSoleWriter);
        byte[][] first = [Event("form", 1, Noon), Event("assign", 1, Noon + Hour), Event("x", 2, Noon + 4 * Hour)];
        await stores.RunAsync(Sales, [first], [0], 1);
        Assert.Equal(
            ["created >listed 0", "event listed>assigned 3600000", "reminder assigned>assigned 10800000 call"], Told(stores));
        await stores.RunAsync(Sales, [[.. first, Event("x", 2, Noon + 9 * Hour)]], [0], 2);
        Assert.Equal("after assigned>pool 21600000", Told(stores)[^1]);
        var view = stores.Views.Find(Id(1))!;
        Assert.Equal(("pool", "1", $"{Noon + 6 * Hour}"), (view.Fields["stage.sales"], view.Fields["lead.sales.count"], view.Fields["stage.sales.since"]));
        Assert.Equal($"sales-{Noon}-{Id(1).ToString()[..16]}", view.Fields["lead.sales"]);
        Assert.False(view.Fields.ContainsKey("reminder.sales"));
    }

    [Fact]
    public async Task Run_ALateEvent_IsAnnouncedAsRewritten()
    {
        var stores = new TimedStores(isSoleWriter: true);
        byte[][] first = [Event("form", 1, Noon), Event("x", 1, Noon + Hour)];
        await stores.RunAsync(Sales, [first], [0], 1);
        await stores.RunAsync(Sales, [[.. first, Event("order", 1, Noon + 5)]], [0], 2);
        Assert.Equal(["created >listed 0", "rewritten listed>won 5"], Told(stores));
        var leads = stores.Analytics.Leads[(Id(1), "sales")];
        Assert.Equal(["listed", "won"], leads.Steps.Select(s => s.Stage));
    }

    /// <summary>Leads and what was decided of actions lie in one conclusion: a restart finds both.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_WithActionsToo_KeepsBothOverARestart(bool isSoleWriter)
    {
        var rules = RuleSet.Parse("""
            stages:
              - pipeline: sales
                type: sales
                states: { listed: A, won: C }
                create: [{ to: listed, on: event = "form" }]
                transitions:
                  - { from: listed, to: won, on: event = "order" }
            actions:
              - { action: welcome, when: seen(event = "form"), once: true }
            """, "both");
        var stores = new TimedStores(isSoleWriter);
        byte[][] first = [Event("form", 1, Noon), Event("x", 2, Noon + Hour)];
        await stores.RunAsync(rules, [first], [0], 1);
        await stores.RunAsync(rules, [[.. first, Event("order", 1, Noon + 2 * Hour), Event("x", 2, Noon + 3 * Hour)]], [0], 2);
        Assert.Equal(["created >listed 0", $"event listed>won {2 * Hour}"], Told(stores));
        var action = Assert.Single(stores.Analytics.Actions.Values);
        Assert.Equal(("welcome", Noon, Id(1), true), (action.Action, action.AtMs, action.Customer, action.IsSent));
        var fields = stores.Views.Find(Id(1))!.Fields;
        Assert.Equal(("won", "sent"), (fields["stage.sales"], fields["action.welcome"]));
    }

    private static string[] Told(TimedStores stores) => [.. stores.Analytics.Stages.Where(s => s.Customer == Id(1)).Select(
        s => $"{s.Step} {s.Previous}>{s.Stage} {s.SinceMs - Noon}{(s.Reminder is null ? "" : $" {s.Reminder}")}")];

    private static IdentifierId Id(int customer) => IdentifierId.Of(Encoding.UTF8.GetBytes($"openid:a:c{customer}"));

    private static byte[] Event(string name, int customer, long timeMs) => Encoding.UTF8.GetBytes(
        $$"""{"event":"{{name}}","event_time":{{timeMs}},"identifiers":[{"kind":"openid","scope":"a","value":"c{{customer}}"}]}""");

    private static (StageWorld World, RuleSet Rules) Accepted(int seed)
    {
        for (var attempt = 0; ; attempt++)
        {
            var world = new StageWorld(seed + attempt * 1_000_003);
            try
            {
                return (world, RuleSet.Parse(world.Yaml, $"seed {seed}"));
            }
            catch (RuleFileException) when (attempt < 100)
            {
                // Random transitions may have two owners; the next number stands in.
            }
        }
    }

    // Three people of several identifiers, which a phone links; of some the phone is taken from one identifier again.
    private static (List<List<SlowEvent>> Customers, byte[][][] Partitions, long EndMs) Scatter(StageWorld world, int seed)
    {
        var random = new Random(seed);
        var (customers, lines) = (new List<List<SlowEvent>>(), Enumerable.Range(0, 3).Select(_ => new List<string>()).ToArray());
        for (var person = 0; person < 3; person++)
        {
            var events = world.Events.Select(e => e with
            {
                EventId = $"{person}-{e.EventId}", Anchor = person * 10 + e.Anchor, TimeMs = StageWorld.StartMs + random.Next(120) * world.TickMs,
            }).ToList();
            var anchors = events.Select(e => e.Anchor).Distinct().ToList();
            foreach (var anchor in anchors) events.Add(new SlowEvent("link", StageWorld.StartMs + random.Next(100) * world.TickMs, null, anchor));
            if (anchors.Count > 1 && random.Next(2) == 0)
            {
                var leaving = anchors[^1];
                events.Add(new SlowEvent("identity_unbind", StageWorld.StartMs + 110 * world.TickMs, null, leaving));
                customers.Add([.. events.Where(e => e.Anchor == leaving)]);
                customers.Add([.. events.Where(e => e.Anchor != leaving)]);
            }
            else customers.Add(events);
            foreach (var e in events) lines[random.Next(3)].Add(Json(person, e));
        }
        foreach (var line in lines)
        {
            var shuffled = line.ToArray();
            random.Shuffle(shuffled);
            line.Clear();
            line.AddRange(shuffled);
        }
        return (customers, [.. lines.Select(l => ListSource.Utf8(l))], customers.SelectMany(c => c).Max(e => e.TimeMs));
    }

    private static string Json(int person, SlowEvent e)
    {
        var ids = $$"""{"kind":"openid","scope":"app{{e.Anchor}}","value":"u"}""";
        if (e.Name is "link" or "identity_unbind") ids += $$""",{"kind":"phone","value":"+861390000000{{person}}"}""";
        return $$"""{"event":"{{e.Name}}","event_time":{{e.TimeMs}},"identifiers":[{{ids}}]"""
            + (e.EventId is null ? "}" : $",\"event_id\":\"{e.EventId}\"}}");
    }

    private static IdentifierId CustomerOf(TimedStores stores, SlowEvent any)
    {
        var id = IdentifierId.Of(Encoding.UTF8.GetBytes($"openid:app{any.Anchor}:u"));
        var view = stores.Views.Find(id)!;
        return view.Form == ViewForm.Merged ? view.MergedInto : id;
    }
}
