using System.Globalization;
using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Text.Json;
using ScrmStream.Events;
using ScrmStream.Profiles;
using ScrmStream.Rules;
using Xunit;
using static ScrmStream.Tests.Rules.EventMaker;

namespace ScrmStream.Tests.Rules;

public sealed class ExampleFileTests
{
    public static string PathOf(string example) => Path.Combine(Root(), "schemas", "rules", "examples", example);

    internal static string Root([CallerFilePath] string thisFile = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "..", ".."));

    [Theory]
    [InlineData("reference.yaml", 16, 1)]
    [InlineData("taobao.yaml", 4, 1)]
    [InlineData("petshop.yaml", 11, 2)]
    [InlineData("rfm.yaml", 3, 0)]
    [InlineData("lead-scores.yaml", 2, 3)]
    public void Load_Example_Compiles(string example, int tags, int scores)
    {
        var rules = RuleSet.Load(PathOf(example));
        Assert.Equal((tags, scores), (rules.Tags.Count, rules.Scores.Count));
        Assert.Equal(32, rules.Fingerprint.Length);
    }

    [Fact]
    public void Reference_SomeEvents_GiveTheTagsAndPointsOfTheTable()
    {
        var rules = RuleSet.Load(PathOf("reference.yaml"));
        Assert.Equal(17, rules.Aggregates.Count);
        var conclusion = Conclude(
            rules, new Told("login", StartMs), new("share", StartMs + 1), new("share", StartMs + 2),
            new("order_paid", StartMs + 3), new("page_view", StartMs + 3));
        Assert.Equal(["order_paid", "share"], conclusion.Tags().Keys);
        Assert.Equal(57.5, conclusion.Points("lead"), 1e-5);
        Assert.Equal("B"u8, conclusion.Score(0).Grade);
    }

    [Fact]
    public void PetShop_ACustomersStory_IsToldByTags()
    {
        var rules = RuleSet.Load(PathOf("petshop.yaml"));
        var pet = new Dictionary<string, object> { ["topic"] = "pet" };
        List<Told> events = [new("like", StartMs) { Channel = Channel.Douyin, Properties = pet }];
        Assert.Equal(["interested_in_pets", "lifecycle"], Conclude(rules, events).Tags().Keys);
        events.Add(new("consult", StartMs + 8 * DayMs) { Properties = new() { ["pet"] = "cat" } });
        var asked = Conclude(rules, events);
        Assert.Equal("prospect", asked.Tags()["lifecycle"]);
        Assert.Contains("high_intent", asked.Tags().Keys);
        Assert.Contains("cat_owner", asked.Tags().Keys);
        events.Add(new("order_paid", StartMs + 9 * DayMs) { AmountFen = 30_000 });
        var bought = Conclude(rules, events).Tags();
        Assert.Equal("customer", bought["lifecycle"]);
        Assert.DoesNotContain("high_intent", bought.Keys);
        Assert.Contains("big_spender", bought.Keys);
        Assert.Equal("1", bought["orders_90d"]);
        events.Add(new("page_view", StartMs + 30 * DayMs));
        Assert.DoesNotContain("interested_in_pets", Conclude(rules, events).Tags().Keys);
    }

    [Fact]
    public void Guide_EveryYamlBlock_Compiles()
    {
        var blocks =
            File.ReadAllText(Path.Combine(Root(), "docs", "rules.md")).Split("```yaml\n").Skip(1).Select(b => b.Split("```")[0]).ToArray();
        Assert.Equal(7, blocks.Length);
        foreach (var rules in blocks.Select(b => RuleSet.Parse(b, "docs/rules.md"))) Assert.True(rules.Tags.Count + rules.Pipelines.Count > 0);
    }

    [Fact]
    public void Parse_FoldedBlock_IsOneExpression()
    {
        var rules = RuleSet.Parse(
            """
            tags:
              - tag: t
                when: >
                  seen(event = "x", within: 7d)
                  and not seen(event = "y")
            """, "r");
        Assert.Equal(1, Conclude(rules, new Told("x", StartMs)).TagCount);
        Assert.Equal(0, Conclude(rules, new Told("x", StartMs), new Told("y", StartMs)).TagCount);
    }

    [Theory]
    [InlineData("tag", "tag", "description", "when", "value", "values", "set", "grid", "manual", "expires")]
    [InlineData("attribute", "attribute", "description", "type", "value")]
    [InlineData("score", "score", "description", "half_life", "linear", "steps", "max", "min", "points", "groups", "grades", "hysteresis")]
    [InlineData("points", "when", "add", "cap", "group")]
    [InlineData("pipeline", "pipeline", "description", "type", "states", "final", "activity", "create", "transitions", "reminders", "funnel")]
    [InlineData("create", "to", "on", "when")]
    [InlineData("transition", "from", "to", "on", "when", "after", "idle", "not_before")]
    [InlineData("reminder", "reminder", "from", "after", "idle")]
    [InlineData("action", "action", "description", "when", "if", "once", "once_per", "to")]
    [InlineData("contact", "cap", "also", "quiet", "never")]
    public void Schema_OfEditors_NamesTheKeysTheReaderKnows(string definition, params string[] keys)
    {
        using var schema = JsonDocument.Parse(File.ReadAllText(Path.Combine(Root(), "schemas", "rules", "rules.schema.json")));
        var entry = schema.RootElement.GetProperty("$defs").GetProperty(definition);
        Assert.Equal(keys.Order(), entry.GetProperty("properties").EnumerateObject().Select(p => p.Name).Order());
        Assert.False(entry.GetProperty("additionalProperties").GetBoolean());
        Assert.Equal(["actions", "attributes", "contact", "scores", "stages", "tags", "time_zone"], schema.RootElement.GetProperty("properties").EnumerateObject().Select(p => p.Name).Order());
    }

    [SharedDataFact("data/taobao_user_behavior_head.csv.gz")]
    public void Taobao_RealEvents_GiveTheCountsAndScoresOfTheOracle()
    {
        var rules = RuleSet.Load(PathOf("taobao.yaml"));
        var (shards, lastMs) = FoldTaobao(rules);
        Dictionary<string, int> tags = [], tagsAtTheEnd = [];
        List<(string User, double Points)> scores = [];
        var conclusion = new Conclusion();
        foreach (var (user, shard) in shards)
        {
            var customer = Customer(shard);
            rules.Evaluate(customer, customer.LastSeenMs, lastMs, conclusion);
            foreach (var tag in conclusion.Tags().Keys) tags[tag] = tags.GetValueOrDefault(tag) + 1;
            scores.Add((user, conclusion.Points("interest")));
            rules.Evaluate(customer, lastMs, conclusion);
            foreach (var tag in conclusion.Tags().Keys) tagsAtTheEnd[tag] = tagsAtTheEnd.GetValueOrDefault(tag) + 1;
        }
        Assert.Equal(815, shards.Count);
        // As of each customer's own last event, which is what the oracle counts, nobody is silent.
        Assert.Equal((559, 373, 119), (tags["buyer"], tags["repeat_buyer"], tags["three_carts"]));
        Assert.DoesNotContain("silent_1d", tags.Keys);
        // As of the last event of the file carts have left their window, and some customers have been silent for a day.
        Assert.Equal((559, 373, 77, 14),
            (tagsAtTheEnd["buyer"], tagsAtTheEnd["repeat_buyer"], tagsAtTheEnd["three_carts"], tagsAtTheEnd["silent_1d"]));
        Assert.Equal(96575.722, scores.Sum(s => s.Points), 0.0006);
        (string, double)[] expected =
            [("1002909", 614.5677), ("1002763", 590.9952), ("1002307", 567.8069), ("1000417", 563.9523), ("1000436", 554.4599)];
        Assert.Equal(expected, scores.OrderByDescending(s => s.Points).Take(5).Select(s => (s.User, Math.Round(s.Points, 4))));
    }

    private static (Dictionary<string, byte[]> Shards, long LastMs) FoldTaobao(RuleSet rules)
    {
        var path = SharedDataFactAttribute.PathOf("data/taobao_user_behavior_head.csv.gz")!;
        using var file = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var lines = new StreamReader(file);
        Dictionary<string, byte[]> shards = [];
        var shard = new ShardBuffer();
        var batch = Batch();
        var lastMs = long.MinValue;
        while (lines.ReadLine() is { } line)
        {
            var fields = line.Split(',');
            var timeMs = long.Parse(fields[4], CultureInfo.InvariantCulture) * 1000;
            lastMs = Math.Max(lastMs, timeMs);
            batch.Clear();
            Add(batch, new Told(fields[3], timeMs));
            shard.Load(shards.GetValueOrDefault(fields[0]));
            shard.Count(timeMs, 0);
            rules.Fold(batch, in batch.Events[0], shard);
            shards[fields[0]] = shard.Bytes.ToArray();
        }
        return (shards, lastMs);
    }

    /// <summary>docs/tutorials/domain-rules.md says where each rule of the domain is: that is where it is.</summary>
    [Fact]
    public void DomainRules_NameTheLinesOfRulesAndCases()
    {
        var rows = File.ReadLines(Path.Combine(Root(), "docs", "tutorials", "domain-rules.md")).Where(l => l.StartsWith("| R", StringComparison.Ordinal)).ToList();
        Assert.Equal(17, rows.Count);
        foreach (var row in rows)
        {
            var cells = row.Split('|', StringSplitOptions.TrimEntries);
            var rules = File.ReadAllLines(PathOf(cells[3]));
            foreach (System.Text.RegularExpressions.Match at in System.Text.RegularExpressions.Regex.Matches(cells[4], "`([^`]+)` \\(:(\\d+)\\)"))
                Assert.Contains(at.Groups[1].Value, rules[int.Parse(at.Groups[2].Value, CultureInfo.InvariantCulture) - 1]);
            foreach (var place in cells[5].Split(", "))
            {
                var (file, line) = (place.Split(':')[0], int.Parse(place.Split(':')[1], CultureInfo.InvariantCulture));
                Assert.StartsWith("  - case: ", File.ReadAllLines(PathOf(file))[line - 1]);
            }
        }
    }
}

/// <summary>A test on data outside the repository: under $SCRM_SHARED, or in ../shared beside the repository; skipped without it.</summary>
internal sealed class SharedDataFactAttribute : FactAttribute
{
    public SharedDataFactAttribute(string file)
    {
        if (PathOf(file) is null) Skip = $"{file} is neither under $SCRM_SHARED nor in ../shared beside the repository";
    }

    public static string? PathOf(string file)
    {
        var shared = Environment.GetEnvironmentVariable("SCRM_SHARED") ?? Path.Combine(ExampleFileTests.Root(), "..", "shared");
        var path = Path.Combine(shared, file);
        return File.Exists(path) ? path : null;
    }
}
