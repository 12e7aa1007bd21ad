using System.Text;
using ScrmStream.Rules;
using Xunit;
using static ScrmStream.Tests.Rules.EventMaker;

namespace ScrmStream.Tests.Rules;

public sealed class CalculatedAttributeTests
{
    private static string? Value(string expression, long asOfMs, params IReadOnlyList<Told> events)
    {
        var rules = RuleSet.Parse($"attributes:\n  - attribute: n\n    type: number\n  - attribute: x\n    value: {expression}\n", "r");
        var concluded = Conclude(rules, asOfMs, events);
        return rules.Attributes[1].TryGet(concluded, out var value) ? Encoding.UTF8.GetString(value) : null;
    }

    private static Told Paid(int day, long fen) => new("pay", StartMs + day * DayMs) { AmountFen = fen };

    [Theory]
    [InlineData("count(event = \"pay\") + 2 * 3", "8")]
    [InlineData("(count(event = \"pay\") + 2) * 3", "12")]
    [InlineData("10 - 4 - 3", "3")]
    [InlineData("10 -4 -3", "3")]
    [InlineData("10 / 4 * 2", "5")]
    [InlineData("1 / 3", "0.333333")]
    [InlineData("-5 / 3", "-1.666667")]
    [InlineData("0.000001 / 2", "0")]
    [InlineData("0.000003 / 2", "0.000002")]
    [InlineData("1 / (count(event = \"pay\") - 2)", null)]
    [InlineData("count(event = \"none\") + 1", null)]
    [InlineData("(count(event = \"none\") or 0) + 1", "1")]
    [InlineData("sum(amount_fen, event = \"pay\") / count(event = \"pay\")", "150")]
    [InlineData("last_day(event = \"pay\") - first_day(event = \"pay\")", "3")]
    [InlineData("today - last_day(event = \"pay\")", "7")]
    [InlineData("days(any)", "2")]
    [InlineData("attribute.n * 2", null)]
    [InlineData("attribute.n or 7", "7")]
    [InlineData("999999999999 * 999999999999", null)]
    public void Value_OfTwoOrders_IsCalculated(string expression, string? expected) =>
        Assert.Equal(expected, Value(expression, StartMs + 10 * DayMs, Paid(0, 100), Paid(3, 200)));

    [Fact]
    public void Value_OfAnAttributeAbove_IsRead()
    {
        var update = new Told("profile_update", StartMs) { Properties = new() { ["n"] = 2.5 } };
        Assert.Equal("5", Value("attribute.n * 2", StartMs, update));
    }

    [Fact]
    public void Today_ForetellsMidnightInTheZoneOfTheFile()
    {
        var rules = RuleSet.Parse(
            "attributes:\n  - attribute: age\n    value: today - first_day(any)\ntags:\n  - tag: old\n    when: attribute.age >= 2\n", "r");
        Assert.True(rules.Tags[0].ChangesByItself);
        // 16:53 in Shanghai; midnight is 16:00 UTC.
        var midnight = (StartMs / DayMs) * DayMs + 16 * HourMs;
        var now = Conclude(rules, StartMs, new Told("x", StartMs));
        Assert.Equal((0, midnight), (now.TagCount, now.NextChangeMs));
        Assert.Equal(0, Conclude(rules, midnight + DayMs - 1, new Told("x", StartMs)).TagCount);
        Assert.Equal(1, Conclude(rules, midnight + DayMs, new Told("x", StartMs)).TagCount);
    }

    [Fact]
    public void Value_OfSeveralShards_IsThatOfTheCustomer()
    {
        var rules = RuleSet.Parse("attributes:\n  - attribute: x\n    value: days(event = \"pay\") - 1\n", "r");
        var conclusion = new Conclusion();
        rules.Evaluate(Customer(Shard(rules, Paid(0, 1), Paid(1, 1)), Shard(rules, Paid(1, 1), Paid(2, 1))), StartMs + 2 * DayMs, conclusion);
        Assert.True(rules.Attributes[0].TryGet(conclusion, out var value));
        Assert.Equal("2"u8, value);
        rules.Evaluate(new ScrmStream.Profiles.ShardSet(), StartMs, conclusion);
        Assert.False(rules.Attributes[0].TryGet(conclusion, out _));
    }
}
