using ScrmStream.Profiles;
using ScrmStream.Rules;
using ScrmStream.TestKit;
using ScrmStream.TestKit.Rules;
using Xunit;

namespace ScrmStream.Tests.Rules;

/// <summary>Whom a change of rules concerns: told from what is stored, and never too few.</summary>
public sealed class RuleChangeTests
{
    private const string Base = """
        tags:
          - tag: buyer
            when: seen(event = "order_paid")
          - tag: absent
            when: not seen(any, within: 30d)
        scores:
          - score: intent
            half_life: 10d
            points:
              - { when: event = "product_view", add: 10 }
        """;

    [Theory]
    [InlineData("count(event = \"a\") >= 2", true)]
    [InlineData("count(event = \"a\") <= 2", false)]
    [InlineData("count(event = \"a\", within: 7d) = 0", false)]
    [InlineData("not seen(event = \"a\")", false)]
    [InlineData("sum(amount_fen, event = \"a\") > 0", true)]
    [InlineData("sum(amount_fen, event = \"a\") > -1", false)]
    [InlineData("min(amount_fen, event = \"a\") < 5", true)]
    [InlineData("days(event = \"a\", within: 7d) >= 2", true)]
    [InlineData("seen(event = \"a\") and not seen(event = \"b\", after: it, within: 1h)", true)]
    [InlineData("seen(event = \"a\") and first_seen within 7d", true)]
    [InlineData("seen(event = \"a\") or first_seen within 7d", false)]
    [InlineData("has(buyer)", false)]
    public void Between_OneMoreTag_ConcernsFewWhereItNeedsAnEvent(string when, bool isFew)
    {
        var (before, after) = (RuleSet.Parse(Base, "before"), With($"  - {{ tag: more, when: '{when}' }}\n"));
        var change = RuleChange.Between(before, after);
        Assert.Equal(!isFew, change.ConcernsAll);
        if (!isFew) return;
        Assert.Empty(change.Tags);
        Assert.Equal(after.Tags.Single(t => t.Name == "more").Aggregates.Select(a => a.Key).Distinct().Order(), change.Aggregates);
        // Taken away again it concerns those who have it, whatever it says; and so do both steps together.
        Assert.Equal((false, 0, "more"), Show(RuleChange.Between(after, before)));
        Assert.Equal((false, change.Aggregates.Count, "more"), Show(change.Then(RuleChange.Between(after, before))));
    }

    [Fact]
    public void Between_AnythingButTags_ConcernsEverybody()
    {
        var before = RuleSet.Parse(Base, "before");
        string[] others =
        [
            Base.Replace("add: 10", "add: 11", StringComparison.Ordinal), "time_zone: Europe/Berlin\n" + Base,
            "attributes:\n  - { attribute: size, type: number }\n" + Base,
            Base + "\nactions:\n  - action: go\n    when: gained(tag = \"buyer\")\n    once_per: 30d\n",
        ];
        Assert.All(others, other => Assert.True(RuleChange.Between(before, RuleSet.Parse(other, "other")).ConcernsAll, other));
        Assert.Equal((false, 0, ""), Show(RuleChange.Between(before, RuleSet.Parse(Base, "same"))));
    }

    /// <summary>Who has nothing in the aggregates of a change that concerns few gets none of its tags, at any time.</summary>
    [Fact]
    public void Between_RandomRules_PassesNobodyOverWhoGetsATag()
    {
        var (few, passed) = (0, 0);
        foreach (var seed in Seeds.From(70_000, 400, 10_000))
        {
            var (world, random) = (new RuleWorld(seed), new Random(seed));
            var rules = RuleSet.Parse(world.Yaml, $"seed {seed}");
            // Compared with nothing every tag is new, so only those that need an event are told apart one by one.
            var events = world.Events.Take(random.Next(1, 4)).ToList();
            var shard = EventMaker.Shard(rules, [.. events.Select(SlowRulesTests.Told)]);
            var shards = new ShardSet();
            shards.Add(shard);
            foreach (var tag in rules.Tags.Where(t => t.NeedsAnEvent))
            {
                few++;
                if (tag.Aggregates.Any(a => !new Shard(shard).Aggregate(a.Key).IsEmpty)) continue;
                passed++;
                for (var t = events.Max(e => e.TimeMs); t < events.Max(e => e.TimeMs) + 40 * world.StepMs; t += world.StepMs)
                {
                    var conclusion = new Conclusion();
                    rules.Evaluate(shards, t, conclusion);
                    Assert.False(conclusion.HasTag(System.Text.Encoding.UTF8.GetBytes(tag.Name)), $"seed {seed}, {tag.Text}");
                }
            }
        }
        Assert.True(few > 300 && passed > 50, $"only {few} tags, {passed} of them with nobody to get them");
    }

    private static RuleSet With(string tag) => RuleSet.Parse(Base.Replace("scores:", tag + "scores:", StringComparison.Ordinal), "with");

    private static (bool, int, string) Show(RuleChange change) =>
        (change.ConcernsAll, change.Aggregates.Count, string.Join(' ', change.Tags));
}
