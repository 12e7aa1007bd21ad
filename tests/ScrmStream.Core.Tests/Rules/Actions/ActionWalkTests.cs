using ScrmStream.Rules;
using ScrmStream.Rules.Actions;
using Xunit;
using static ScrmStream.Tests.Rules.EventMaker;

namespace ScrmStream.Tests.Rules.Actions;

public sealed class ActionWalkTests
{
    private static readonly RuleSet Busy = Parse("""
        actions:
          - { action: busy, when: 'count(event = "view", within 1h) >= 3' }
        """);

    [Fact]
    public void Run_ALateEventThatMakesAnOccurrence_DecidesItOnce()
    {
        var log = new ActionLog();
        List<Told> events = [new("view", StartMs), new("view", StartMs + 10)];
        Assert.Equal("", Run(Busy, log, StartMs + HourMs, events));
        events.Add(new("view", StartMs + 5));
        Assert.Equal("busy 10 sent", Run(Busy, log, StartMs + HourMs, events));
        Assert.Equal("", Run(Busy, log, StartMs + 2 * HourMs, events));
    }

    /// <summary>The third view of four comes to light: the moment lies earlier, the occurrence is the same.</summary>
    [Fact]
    public void Run_ALateEventThatMovesAnOccurrence_DecidesNothingNew()
    {
        var log = new ActionLog();
        List<Told> events = [new("view", StartMs), new("view", StartMs + 10), new("view", StartMs + 30)];
        Assert.Equal("busy 30 sent", Run(Busy, log, StartMs + 100, events));
        events.Add(new("view", StartMs + 20));
        Assert.Equal("", Run(Busy, log, StartMs + 200, events));
        Assert.Single(log.Entries);
    }

    [Fact]
    public void Run_ALateEventThatMakesAnotherOccurrence_DecidesThatOne()
    {
        var log = new ActionLog();
        List<Told> events = [new("view", StartMs + 5 * HourMs), new("view", StartMs + 5 * HourMs + 1), new("view", StartMs + 5 * HourMs + 2)];
        Assert.Equal("busy 18000002 sent", Run(Busy, log, StartMs + 6 * HourMs, events));
        events.AddRange([new("view", StartMs), new("view", StartMs + 1), new("view", StartMs + 2)]);
        Assert.Equal("busy 2 sent", Run(Busy, log, StartMs + 6 * HourMs, events));
    }

    [Fact]
    public void Run_WhatIsBeyondTheWatermark_IsDecidedWhenItComes()
    {
        var walk = new ActionWalk(Busy.Actions!);
        var log = new ActionLog();
        Told[] events = [new("view", StartMs), new("view", StartMs + 10), new("view", StartMs + 20)];
        walk.Run(Customer(Shard(Busy, events)), log, long.MinValue, StartMs + 15);
        Assert.Empty(walk.Decisions);
        Assert.Equal(StartMs + 20, walk.NextMs);
        walk.Run(Customer(Shard(Busy, events)), log, StartMs + 15, walk.NextMs);
        Assert.Single(walk.Decisions);
    }

    [Fact]
    public void Run_ScoreThroughAThreshold_IsDecidedWhenItIsReachedAndWhenItFades()
    {
        var rules = Parse("""
            scores:
              - { score: intent, half_life: 1d, points: [{ when: event = "pay", add: 60 }], grades: { A: 200, B: 50 } }
            actions:
              - { action: up, when: gained(score.intent >= 80) }
              - { action: down, when: lost(score.intent >= 25) }
              - { action: grade, when: gained(grade.intent in ("A", "B")) }
            """);
        var told = Run(rules, new ActionLog(), StartMs + 20 * DayMs, [new("pay", StartMs), new("pay", StartMs + HourMs)]);
        Assert.StartsWith("grade 0 sent, up 3600000 sent, down ", told);
        // 60 points, an hour old, and 60 more, until they are 25, rounded to millionths.
        var lost = HourMs + Math.Log2((60 * Math.Pow(2, -1 / 24.0) + 60) / (25 - 0.5e-6)) * DayMs;
        Assert.InRange(long.Parse(told.Split(' ')[^2], System.Globalization.CultureInfo.InvariantCulture), lost - 1, lost + 2);
    }

    [Fact]
    public void Run_OnceOverTwoCustomersThatBecameOne_SendsNothingMore()
    {
        var rules = Parse("actions:\n  - { action: welcome, when: gained(seen(event = \"register\")), once: true }");
        var (one, other) = (Shard(rules, new Told("register", StartMs)), Shard(rules, new Told("register", StartMs + 100)));
        var (log, first) = (new ActionLog(), new ActionLog());
        Assert.Equal("welcome 0 sent", Run(rules, first, StartMs + 50, Customer(one)));
        Assert.Equal("welcome 100 sent", Run(rules, log, StartMs + 200, Customer(other)));
        log.Add(first.Store());
        Assert.Equal("", Run(rules, log, StartMs + 300, Customer(one, other)));
    }

    [Theory]
    [InlineData("22:00 to 08:00", 22, 0, 10 * 60)]
    [InlineData("22:00 to 08:00", 7, 59, 1)]
    [InlineData("22:00 to 08:00", 8, 0, 0)]
    [InlineData("22:00 to 08:00", 21, 59, 0)]
    [InlineData("12:00 to 14:00", 13, 30, 30)]
    [InlineData("12:00 to 14:00", 23, 0, 0)]
    public void Run_InQuietHours_WaitsForTheirEnd(string quiet, int hour, int minute, int waitsMinutes)
    {
        var rules = Parse($"contact: {{ quiet: '{quiet}' }}\nactions:\n  - {{ action: a, when: seen(any) }}\n  - {{ action: b, when: seen(any), to: staff }}");
        var atMs = new DateTimeOffset(2026, 3, 1, hour, minute, 0, TimeSpan.FromHours(8)).ToUnixTimeMilliseconds();
        var walk = new ActionWalk(rules.Actions!);
        walk.Run(Customer(Shard(rules, new Told("x", atMs))), new ActionLog(), long.MinValue, atMs + DayMs);
        Assert.Equal(atMs + waitsMinutes * MinuteMs, walk.Decisions.Single(d => d.Rule.Name == "a").Entry.DecidedMs);
        Assert.Equal(atMs, walk.Decisions.Single(d => d.Rule.Name == "b").Entry.DecidedMs);
    }

    /// <summary>Berlin, the nights in which the clock is set: 8:00 is 8:00.</summary>
    [Theory]
    [InlineData("2026-03-28T22:30:00Z", "2026-03-29T06:00:00Z")]
    [InlineData("2026-10-24T21:30:00Z", "2026-10-25T07:00:00Z")]
    public void Run_QuietOverAClockThatIsSet_EndsByThatClock(string at, string end)
    {
        var rules = Parse("time_zone: Europe/Berlin\ncontact: { quiet: '22:00 to 08:00' }\nactions:\n  - { action: a, when: seen(any) }");
        var atMs = DateTimeOffset.Parse(at, System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();
        var walk = new ActionWalk(rules.Actions!);
        walk.Run(Customer(Shard(rules, new Told("x", atMs))), new ActionLog(), long.MinValue, atMs + DayMs);
        Assert.Equal(
            DateTimeOffset.Parse(end, System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeMilliseconds(), walk.Decisions[0].Entry.DecidedMs);
    }

    [Fact]
    public void Run_NoLongerTrueWhenTheNightIsOver_SaysSo()
    {
        var rules = Parse("contact: { quiet: '22:00 to 08:00' }\nactions:\n  - { action: a, when: 'seen(event = \"x\", within 1h)' }");
        var atMs = new DateTimeOffset(2026, 3, 1, 23, 0, 0, TimeSpan.FromHours(8)).ToUnixTimeMilliseconds();
        var walk = new ActionWalk(rules.Actions!);
        walk.Run(Customer(Shard(rules, new Told("x", atMs))), new ActionLog(), long.MinValue, atMs + DayMs);
        Assert.Equal("over", walk.Decisions.Single().Entry.Reason);
    }

    [Fact]
    public void Log_StoredAndTrimmed_KeepsWhatMatters()
    {
        var log = new ActionLog { DecidedUpToMs = 5_000 };
        log.Entries.AddRange(
        [
            new ActionEntry(1, 100, 100, false, ""), new ActionEntry(1, 200, 250, false, ""), new ActionEntry(1, 300, 300, false, "cap"),
            new ActionEntry(2, 150, 150, true, ""), new ActionEntry(2, 160, 160, true, ""), new ActionEntry(3, 4_000, 4_000, false, "黑名单"),
        ]);
        log.Trim(againMs: 1_000, countsMs: 200);
        var read = new ActionLog();
        read.Add(log.Store());
        Assert.Equal(5_000, read.DecidedUpToMs);
        Assert.Equal([(1u, 200), (1u, 300), (2u, 160), (3u, 4_000)], read.Entries.Select(e => (e.Key, (int)e.AtMs)));
        Assert.Equal(log.Entries, read.Entries);
    }

    [Fact]
    public void Log_OfVeryMany_KeepsWhatWasSentLastAndFitsIntoAConclusion()
    {
        var log = new ActionLog();
        log.Entries.Add(new ActionEntry(9, 1, 1, false, ""));
        for (var i = 0; i < 5_000; i++) log.Entries.Add(new ActionEntry((uint)(i % 256), 10 + i, 10 + i, false, new string('x', 64)));
        log.Trim(againMs: 0, countsMs: 0);
        Assert.Equal(720, log.Entries.Count);
        Assert.Equal(new ActionEntry(9, 1, 1, false, ""), log.Entries[0]);
        var conclusion = new Conclusion();
        conclusion.Carry(log.Store(), 77);
        var read = new Conclusion();
        read.ReadFrom(conclusion.Bytes);
        Assert.Equal((77, 77), (read.NextChangeMs, Conclusion.NextChangeOf(conclusion.Bytes)));
        Assert.True(Conclusion.ActionsOf(read.Bytes).SequenceEqual(log.Store()));
    }

    private static RuleSet Parse(string yaml) => RuleSet.Parse(yaml, "r", MemoryLimits.Replay);

    private static string Run(RuleSet rules, ActionLog log, long upToMs, List<Told> events) => Run(rules, log, upToMs, Customer(Shard(rules, events)));

    private static string Run(RuleSet rules, ActionLog log, long upToMs, ScrmStream.Profiles.ShardSet customer)
    {
        var walk = new ActionWalk(rules.Actions!);
        walk.Run(customer, log, long.MinValue, upToMs);
        return string.Join(", ", walk.Decisions.Select(d => $"{d.Rule.Name} {d.Entry.AtMs - StartMs} {(d.Entry.IsSent ? "sent" : d.Entry.Reason)}"));
    }
}
