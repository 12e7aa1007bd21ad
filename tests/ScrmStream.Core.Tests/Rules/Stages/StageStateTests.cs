using ScrmStream.Events;
using ScrmStream.Profiles;
using ScrmStream.Rules;
using ScrmStream.Rules.Stages;
using Xunit;
using static ScrmStream.Tests.Rules.EventMaker;

namespace ScrmStream.Tests.Rules.Stages;

/// <summary>What shards keep for pipelines: its bytes and what is read of it depend on the set of events alone, also beyond its limits.</summary>
public sealed class StageStateTests
{
    private const string Yaml = """
        stages:
          - pipeline: p
            type: sales
            states: { open: Open, closed: Closed, cold: Cold }
            final: [closed, cold]
            create:
              - { to: open, on: event = "in" }
            transitions:
              - { from: open, to: closed, on: event = "out" }
              - { from: open, to: cold, idle: 2h }
        """;

    private static readonly RuleSet Rules = RuleSet.Parse(Yaml, "r");

    [Theory]
    [InlineData(200, 1)]
    [InlineData(1_500, 1)]
    [InlineData(1_500, 40)]
    [InlineData(3_000, 200)]
    public void Fold_InAnyOrderAndOverAnyShards_GivesTheSameBytesAndLeads(int count, int spreadHours)
    {
        var random = new Random(count + spreadHours);
        var events = Enumerable.Range(0, count).Select(i => new Told(
            random.Next(3) switch { 0 => "in", 1 => "out", _ => "else" }, StartMs + random.Next(count) * spreadHours * (HourMs / 20))
        { CampaignSource = $"s{random.Next(5)}", Channel = Channel.App }).ToArray();
        var (first, second, split) = (Shard(Rules, events), Array.Empty<byte>(), new Conclusion());
        for (var round = 0; round < 3; round++)
        {
            random.Shuffle(events);
            second = Shard(Rules, events);
            Assert.Equal(first, second);
        }
        var untilMs = events.Max(e => e.TimeMs);
        var whole = new Conclusion();
        Rules.Evaluate(Customer(first), untilMs, whole);
        Rules.Evaluate(Customer(events.Select((e, i) => (e, i % 3)).GroupBy(e => e.Item2).Select(
            part => Shard(Rules, [.. part.Select(p => p.e)]))), untilMs, split);
        Assert.Equal(whole.Bytes, split.Bytes);
        Assert.True(whole.LeadCount == 1 && whole.Lead(0).Leads > 5);
        // A repeat of the same moments changes nothing.
        Assert.Equal(Aggregates(first), Aggregates(Shard(Rules, [.. events, .. events])));
        Assert.All(Rules.Aggregates, a => Assert.True(new Shard(first).Aggregate(a.Key).Length <= a.BytesMax));
    }

    [Fact]
    public void Fold_MoreMomentsThanAreKept_KeepsTheFirstAndTheLast()
    {
        var events = Enumerable.Range(0, 1_000).Select(i => new Told("in", StartMs + i * MinuteMs)).ToArray();
        Random.Shared.Shuffle(events);
        var rules = RuleSet.Parse(Yaml, "r");
        var line = new MomentLine();
        var moments = (StageMoments)rules.Aggregates.Single(a => a is StageMoments);
        moments.Load(Customer(Shard(rules, events)), line);
        Assert.Equal(StageMoments.KeepFirst + StageMoments.KeepLast, line.Count);
        Assert.Equal(StartMs + (StageMoments.KeepFirst - 1) * MinuteMs, line[StageMoments.KeepFirst - 1].TimeMs);
        Assert.Equal(StartMs + (1_000 - StageMoments.KeepLast) * MinuteMs, line[StageMoments.KeepFirst].TimeMs);
        Assert.Equal(StartMs + 999 * MinuteMs, line[line.Count - 1].TimeMs);
    }

    [Fact]
    public void Origin_OfALead_IsThatOfTheEventThatMadeIt()
    {
        var conclusion = Conclude(
            Rules, new Told("else", StartMs) { CampaignSource = "before" },
            new("in", StartMs + 1) { CampaignSource = new string('长', 30), Channel = Channel.Douyin },
            new("in", StartMs + 2) { CampaignSource = "later" });
        var history = conclusion.HistoryOf(0)!;
        Assert.Equal((1, StartMs + 1), (history.LeadCount, history.CreatedMs(0)));
        Assert.Equal(Channel.Douyin, history.Origin(0).Channel);
        // 48 bytes are sixteen characters of three.
        Assert.Equal(new string('长', 16), System.Text.Encoding.UTF8.GetString(history.Origin(0).Source));
        Assert.Equal($"p-{StartMs + 1}-0000000000000000", conclusion.Lead(0).Id);
    }

    [Fact]
    public void Conclusion_WithLeads_IsReadBackAsItWasWritten()
    {
        var conclusion = Conclude(Rules, new Told("in", StartMs), new("out", StartMs + 1), new("in", StartMs + 2));
        var read = new Conclusion();
        read.ReadFrom(conclusion.Bytes);
        Assert.Equal(conclusion.Bytes, read.Bytes);
        Assert.Equal((1, conclusion.NextChangeMs), (read.LeadCount, read.NextChangeMs));
        Assert.Equal(StartMs + 2 + 2 * HourMs, Conclusion.NextChangeOf(conclusion.Bytes));
        Assert.True(read.TryGetLead("p"u8, out var lead));
        Assert.Equal((2, StartMs + 2, StartMs + 2, true), (lead.Leads, lead.CreatedMs, lead.SinceMs, lead.IsOpen));
        Assert.Equal("open"u8, lead.Stage);
        Assert.True(conclusion.HasSameTags(read) && read.HasSameTags(conclusion));
        for (var cut = 1; cut < conclusion.Bytes.Length; cut++)
        {
            var bytes = conclusion.Bytes[..cut].ToArray();
            Assert.Throws<InvalidDataException>(() => read.ReadFrom(bytes));
        }
    }

    [Theory]
    [InlineData(StartMs + 5)]
    [InlineData(long.MaxValue)]
    public void Conclusion_WithLeadsAndALogOfActions_IsReadBackAsItWasWritten(long againMs)
    {
        var conclusion = Conclude(Rules, new Told("in", StartMs), new("out", StartMs + 1), new("in", StartMs + 2));
        var nextMs = Math.Min(conclusion.NextChangeMs, againMs);
        conclusion.Carry("a log"u8, againMs);
        var read = new Conclusion();
        read.ReadFrom(conclusion.Bytes);
        Assert.Equal(conclusion.Bytes, read.Bytes);
        Assert.Equal((1, nextMs, nextMs), (read.LeadCount, read.NextChangeMs, Conclusion.NextChangeOf(read.Bytes)));
        Assert.Equal("a log"u8, Conclusion.ActionsOf(read.Bytes));
        Assert.True(read.TryGetLead("p"u8, out var lead));
        Assert.Equal(2, lead.Leads);
        for (var cut = 1; cut < conclusion.Bytes.Length; cut++)
        {
            var bytes = conclusion.Bytes[..cut].ToArray();
            Assert.Throws<InvalidDataException>(() => read.ReadFrom(bytes));
        }
    }

    // The header counts events, repeats too.
    private static byte[][] Aggregates(byte[] shard) => [.. Rules.Aggregates.Select(a => new Shard(shard).Aggregate(a.Key).ToArray())];
}
