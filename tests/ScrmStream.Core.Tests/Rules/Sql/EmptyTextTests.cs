using ScrmStream.Rules;

namespace ScrmStream.Tests.Rules.Sql;

public sealed class EmptyTextTests
{
    /// <summary>The analysts' tables store an absent text as an empty one, so the stream must not tell them apart either.</summary>
    [Fact]
    public void Evaluate_EmptyTextOfAField_CountsAsAbsent_AndOfAPropertyDoesNot()
    {
        var rules = RuleSet.Parse(
            "tags:\n  - { tag: page, when: 'seen(page exists)' }\n  - { tag: property, when: 'seen(properties.p exists)' }\n", "rules.yaml");
        var told = new Told("view", EventMaker.StartMs) { Page = "", Properties = { ["p"] = "" } };
        Assert.Equal(["property"], EventMaker.Conclude(rules, told).Tags().Keys);
    }
}
