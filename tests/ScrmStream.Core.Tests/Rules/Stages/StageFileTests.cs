using ScrmStream.Rules;
using Xunit;

namespace ScrmStream.Tests.Rules.Stages;

/// <summary>Stage files that cannot be meant, refused with line, column and reason.</summary>
public sealed class StageFileTests
{
    // Lines 1 to 6 are always the same; what differs follows.
    private const string Head = "stages:\n  - pipeline: p\n    type: sales\n    states: { a: A, b: B, c: C }\n    final: c\n"
        + "    create: [{ to: a, on: event = \"x\" }]\n";

    [Theory]
    [InlineData("    transitions:\n      - { from: a, to: c, on: event = \"y\" }", 4, 21, "no lead can reach the state 'b'")]
    [InlineData("    transitions:\n      - { from: b, to: c, on: event = \"y\" }\n      - { from: a, to: c, on: any }", 4, 21, "no lead can reach the state 'b'")]
    [InlineData("    transitions:\n      - { from: a, to: d, on: event = \"y\" }", 8, 24, "there is no state 'd'")]
    [InlineData("    transitions:\n      - { from: aa, to: b, on: event = \"y\" }", 8, 17, "did you mean 'a'?")]
    [InlineData("    transitions:\n      - { from: c, to: b, on: event = \"y\" }", 8, 9, "final state 'c' is closed")]
    [InlineData("    transitions:\n      - { from: a, to: b, on: event = \"y\" }\n      - { from: [a, b], to: c, on: event in (\"y\", \"z\") }", 9, 9, "event \"y\" has two owners in state 'a': line 8")]
    [InlineData("    transitions:\n      - { from: a, to: b, on: event = \"y\" and page = \"p\" }\n      - { from: [a, b], to: c, on: page = \"p\" and event = \"y\" }", 9, 9, "two owners")]
    [InlineData("    transitions:\n      - { from: a, to: b, on: any }\n      - { from: [a, b], to: c, on: event = \"y\" and page = \"p\" }", 9, 9, "event \"y\" has two owners")]
    [InlineData("    transitions:\n      - { from: a, to: b, after: 1h }\n      - { from: [a, b], to: c, after: 2h }", 9, 9, "'after' has two owners")]
    [InlineData("    transitions:\n      - { from: a, to: b, idle: 1h }\n      - { from: [a, b], to: c, idle: 2h }", 9, 9, "'idle' has two owners")]
    [InlineData("    transitions:\n      - { from: a, to: b, after: 1h }\n      - { from: b, to: a, idle: 1h }\n      - { from: a, to: c, on: event = \"y\" }", 8, 9, "by time alone")]
    [InlineData("    transitions:\n      - { from: a, to: b, on: event = \"y\" }\n      - { from: b, to: c, on: event = \"y\", after: 1h }", 9, 31, "by time has no 'on'")]
    [InlineData("    transitions:\n      - { from: a, to: b }", 8, 9, "it needs 'on'")]
    [InlineData("    transitions:\n      - { from: a, to: b, idle: 30s }", 8, 33, "at least 1m")]
    [InlineData("    transitions:\n      - { from: a, to: b, on: any, when: last(page, any) = \"p\" }", 8, 42, "made of seen, count and sum")]
    [InlineData("    transitions:\n      - { from: a, to: b, when: last(page, any) = \"p\" }", 8, 33, "made of seen, count and sum")]
    [InlineData("    transitions:\n      - { to: b, on: any }", 8, 9, "'from' is missing")]
    [InlineData("    transitions:\n      - { from: [a, a], to: b, on: any }", 8, 17, "stands there twice")]
    [InlineData("    reminders:\n      - { reminder: r, from: a, on: any }", 8, 33, "not supported yet: 'on'")]
    [InlineData("    reminders:\n      - { reminder: r, from: a, after: 1h, idle: 1h }", 8, 9, "either 'after' or 'idle'")]
    [InlineData("    transitions:\n      - { from: a, to: b, on: any }\n      - { from: b, to: c, on: any }\n    reminders:\n      - { reminder: r, from: a, after: 1h }\n      - { reminder: r, from: [a, b], after: 2h }", 12, 9, "reminder 'r' has two owners")]
    [InlineData("    transitions:\n      - { from: a, to: b, on: any }\n      - { from: b, to: c, on: any }\n    funnel: [b, a]", 2, 5, "no lead can come from 'b' to 'a'")]
    [InlineData("    transitions:\n      - { from: a, to: b, on: any }\n    funnel: [a]", 9, 13, "at least two states")]
    [InlineData("    owner: x", 7, 5, "not supported yet: 'owner'")]
    public void Parse_AMistake_IsRefusedWithItsPlace(string rest, int line, int column, string reason)
    {
        var e = Assert.Throws<RuleFileException>(() => RuleSet.Parse(Head + rest, "stages.yaml"));
        Assert.Contains(reason, e.Reason);
        Assert.Equal((line, column), (e.Line, e.Column));
    }

    [Theory]
    [InlineData("stages:\n  - pipeline: p\n    states: { a: A, b: B }", 2, 5, "needs 'type: sales' or 'type: service'")]
    [InlineData("stages:\n  - pipeline: p\n    type: sales\n    states: [a, b]", 4, 13, "'states' is a map")]
    [InlineData("stages:\n  - pipeline: p\n    type: sales\n    states: { a: A, b: B }", 2, 5, "needs 'create'")]
    [InlineData("stages:\n  - pipeline: p\n    type: sales\n    states: { a: A, b: B }\n    create:\n      - { to: a, on: event = \"x\" }\n      - { to: b, on: event = \"x\" }", 7, 9, "has two owners in what makes leads: line 6")]
    [InlineData("stages:\n  - pipeline: p\n    type: sales\n    states: { a: A, b: B }\n    create: [{ to: a, on: any }]\n    transitions: [{ from: a, to: b, on: event = \"x\" }]\n  - pipeline: p\n    type: sales\n    states: { a: A, b: B }\n    create: [{ to: a, on: any }]\n    transitions: [{ from: a, to: b, on: event = \"x\" }]", 7, 5, "another pipeline 'p'")]
    public void Parse_AWrongPipeline_IsRefusedWithItsPlace(string yaml, int line, int column, string reason)
    {
        var e = Assert.Throws<RuleFileException>(() => RuleSet.Parse(yaml, "stages.yaml"));
        Assert.Contains(reason, e.Reason);
        Assert.Equal((line, column), (e.Line, e.Column));
    }

    [Fact]
    public void Parse_GuardsInTurn_AreNoTwoOwners()
    {
        var rules = RuleSet.Parse(Head + """
                transitions:
                  - { from: a, to: b, on: event = "y", when: count(event = "y", within: 7d) >= 2 }
                  - { from: a, to: c, on: event = "y", not_before: 3d }
                  - { from: a, to: b, on: event = "y" }
            """, "stages.yaml");
        Assert.Equal(["a", "b", "c"], rules.Pipelines[0].States);
        Assert.True(rules.Pipelines[0].IsFinal(2) && !rules.NeedsTimers);
    }

    [Fact]
    public void Fingerprint_WithoutStages_IsWhatItWas() => Assert.Equal(
        RuleSet.Parse("tags:\n  - { tag: t, when: seen(any) }", "r").Fingerprint,
        RuleSet.Parse("tags:\n  - { tag: t, when: seen(any) }\nstages: []", "r").Fingerprint);
}
