using ScrmStream.Events;
using ScrmStream.Rules;
using Xunit;
using static ScrmStream.Tests.Rules.EventMaker;

namespace ScrmStream.Tests.Rules;

public sealed class TagRuleTests
{
    private static Told At(double days, string name = "x") => new(name, StartMs + (long)(days * DayMs));

    private static RuleSet Tag(string when) => RuleSet.Parse($"tags:\n  - tag: t\n    when: '{when}'", "r");

    private static bool Holds(string when, params Told[] events) => Conclude(Tag(when), events).TagCount == 1;

    [Fact]
    public void Window_ExactlyAtItsStart_IsOutside()
    {
        const string when = "count(event = \"x\", within: 7d) >= 2";
        Assert.False(Holds(when, At(0), At(7)));
        Assert.True(Holds(when, At(0) with { TimeMs = StartMs + 1 }, At(7)));
    }

    [Fact]
    public void Window_EndsWithTheLatestEventOfAnyKind()
    {
        Assert.True(Holds("seen(event = \"x\", within: 7d)", At(0), At(6.9, "y")));
        Assert.False(Holds("seen(event = \"x\", within: 7d)", At(0), At(7, "y")));
    }

    [Theory]
    [InlineData("= 3", false, true, false)]
    [InlineData("!= 3", true, false, true)]
    [InlineData("< 3", true, false, false)]
    [InlineData("<= 3", true, true, false)]
    [InlineData("> 3", false, false, true)]
    [InlineData(">= 3", false, true, true)]
    public void Count_AnyComparison_IsExactWithAndWithoutWindow(string comparison, bool two, bool three, bool many)
    {
        foreach (var window in new[] { "", ", within: 7d" })
        {
            var when = $"count(event = \"x\"{window}) {comparison}";
            Assert.Equal(two, Holds(when, At(0), At(1)));
            Assert.Equal(three, Holds(when, At(0), At(1), At(1)));
            Assert.Equal(many, Holds(when, [.. Enumerable.Range(0, 50).Select(i => At(i * 0.01))]));
        }
    }

    [Theory]
    [InlineData("page = \"/cat\"", true)]
    [InlineData("page != \"/cat\"", false)]
    [InlineData("referrer != \"x\"", true)]
    [InlineData("referrer = \"x\"", false)]
    [InlineData("page in (\"/dog\", \"/cat\")", true)]
    [InlineData("page not in (\"/dog\", \"/cat\")", false)]
    [InlineData("channel = \"douyin\"", true)]
    [InlineData("channel in (\"wecom\", \"web\")", false)]
    [InlineData("campaign.source = \"spring\"", true)]
    [InlineData("share.depth >= 2", true)]
    [InlineData("share.depth > 2", false)]
    [InlineData("amount_fen in (1990, 5)", true)]
    [InlineData("amount_fen < 1990", false)]
    [InlineData("properties.price = 19.9", true)]
    [InlineData("properties.price > 19.899999", true)]
    [InlineData("properties.stars >= 4", true)]
    [InlineData("properties.stars = \"4\"", true)]
    [InlineData("properties.topic > 4", false)]
    [InlineData("properties.vip = true", true)]
    [InlineData("properties.vip = false", false)]
    [InlineData("properties.topic = true", false)]
    [InlineData("properties.\"my key\" = \"a \\\"b\\\"\"", true)]
    [InlineData("event = \"x\" and (page = \"/dog\" or not page = \"/cow\")", true)]
    [InlineData("not (event = \"x\" or page = \"/cat\")", false)]
    [InlineData("not event = \"y\" and not page = \"/cow\"", true)]
    [InlineData("any", true)]
    [InlineData("not any", false)]
    public void Filter_OverFields_MatchesWhatItSays(string filter, bool expected)
    {
        var told = At(0) with
        {
            Page = "/cat", Channel = Channel.Douyin, CampaignSource = "spring", ShareDepth = 2, AmountFen = 1990,
            Properties = new() { ["topic"] = "pet", ["price"] = 19.9, ["stars"] = 4L, ["vip"] = true, ["my key"] = "a \"b\"" },
        };
        Assert.Equal(expected, Holds($"seen({filter})", told));
    }

    [Fact]
    public void Sum_OfMoneyAndProperties_IsExact()
    {
        Told[] events = [At(0, "pay") with { AmountFen = 20_000 }, At(5, "pay") with { AmountFen = 9_999 }, At(5, "pay"), At(5) with { AmountFen = 1 }];
        Assert.False(Holds("sum(amount_fen, event = \"pay\") >= 30000", events));
        Assert.True(Holds("sum(amount_fen, any) = 30000", events));
        Assert.True(Holds("sum(amount_fen, event = \"pay\", within: 5d) = 9999", events));
        Told[] prices = [.. Enumerable.Range(0, 10).Select(_ => At(0) with { Properties = new() { ["p"] = 0.1 } })];
        Assert.True(Holds("sum(properties.p, any) = 1", prices));
        Assert.True(Holds("sum(properties.p, event = \"none\") = 0", prices));
    }

    [Fact]
    public void WindowedSum_MoreThanTheListHolds_CountsTheLatest1024OverAllShards()
    {
        var rules = Tag("sum(amount_fen, any, within: 10d) = 1024");
        var events = Enumerable.Range(0, 2000).Select(i => At(0) with { TimeMs = StartMs + i, AmountFen = i < 976 ? 7 : 1 }).ToArray();
        Assert.Equal(1, Conclude(rules, events).TagCount);
        var conclusion = new Conclusion();
        rules.Evaluate(Customer(events.Chunk(300).Select(c => Shard(rules, c))), StartMs + 1999, conclusion);
        Assert.Equal(1, conclusion.TagCount);
    }

    [Fact]
    public void SeenWithin_OfTheCustomerAndOfEvents()
    {
        Assert.True(Holds("first_seen within 7d", At(0), At(6.9)));
        Assert.False(Holds("first_seen within 7d", At(0), At(7)));
        Assert.True(Holds("first_seen(event = \"y\") within 7d", At(0), At(5, "y"), At(7)));
        Assert.False(Holds("first_seen(event = \"y\") within 7d", At(0, "y"), At(5, "y"), At(7)));
        Assert.True(Holds("last_seen(event = \"y\") within 7d", At(0), At(5, "y"), At(7)));
        Assert.Equal(1, Conclude(Tag("last_seen within 7d"), StartMs + 7 * DayMs - 1, At(0)).TagCount);
        Assert.Equal(0, Conclude(Tag("last_seen within 7d"), StartMs + 7 * DayMs, At(0)).TagCount);
    }

    [Fact]
    public void FirstAndLast_Compared()
    {
        Told[] events = [At(0) with { Page = "/a" }, At(1) with { Page = "/b" }, At(2), At(1.5) with { Properties = new() { ["n"] = 7L } }];
        Assert.True(Holds("first(page, any) = \"/a\"", events));
        Assert.True(Holds("last(page, any) in (\"/x\", \"/b\")", events));
        Assert.False(Holds("last(page, any, within: 1d) = \"/b\"", events));
        Assert.True(Holds("last(properties.n, any) >= 7", events));
        Assert.False(Holds("last(properties.n, any) > 7", events));
        Assert.True(Holds("not last(page, event = \"nothing\") = \"/b\"", events));
    }

    [Fact]
    public void ValuedTag_HasTheValueOrIsAbsent()
    {
        var rules = RuleSet.Parse(
            """
            tags:
              - tag: sku
                value: last(properties.sku, event = "view")
              - tag: firstSku
                value: first(properties.sku, event = "view")
                when: seen(event = "login")
              - tag: views
                value: count(event = "view", within 1d)
              - tag: paid
                value: sum(amount_fen, event = "pay")
              - tag: spent
                value: sum(properties.price, event = "pay", within 2d)
            """, "r");
        var events = new[]
        {
            At(0, "view") with { Properties = new() { ["sku"] = "s1" } }, At(1, "view") with { Properties = new() { ["sku"] = 42L } }, At(1.2, "view"),
            At(1.3, "pay") with { AmountFen = 12_345, Properties = new() { ["price"] = -0.25 } },
        };
        Assert.Equal(
            new Dictionary<string, string> { ["sku"] = "42", ["views"] = "2", ["paid"] = "12345", ["spent"] = "-0.25" }, Conclude(rules, events).Tags());
        Assert.Equal("s1", Conclude(rules, [.. events, At(9, "login")]).Tags()["firstSku"]);
        Assert.Equal(["firstSku", "paid", "sku"], Conclude(rules, [.. events, At(9, "login")]).Tags().Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Group_FirstThatHoldsWins()
    {
        var rules = RuleSet.Parse(
            "tags:\n  - tag: life\n    values:\n      new: first_seen within 7d\n      silent: not seen(event = \"x\", within: 30d)\n      active: otherwise\n", "r");
        Assert.Equal("new", Conclude(rules, At(0)).Tags()["life"]);
        Assert.Equal("active", Conclude(rules, At(0), At(8)).Tags()["life"]);
        Assert.Equal("silent", Conclude(rules, At(0), At(31, "y")).Tags()["life"]);
    }

    [Fact]
    public void References_AreDecidedInTheirOrderNotTheFiles()
    {
        var rules = RuleSet.Parse(
            """
            tags:
              - tag: cat_owner
                when: tag.pet = "cat" and not has(banned)
              - tag: petted
                when: tag = "pet"
              - tag: pet
                value: last(properties.pet, any)
              - tag: banned
                when: seen(event = "ban")
            """, "r");
        var cat = At(0) with { Properties = new() { ["pet"] = "cat" } };
        Assert.Equal(["cat_owner", "pet", "petted"], Conclude(rules, cat).Tags().Keys);
        Assert.Equal(["banned", "pet", "petted"], Conclude(rules, cat, At(1, "ban")).Tags().Keys);
    }

    [Fact]
    public void Expiring_HoldsFromTheLatestEventThatMadeItTrue()
    {
        var rules = RuleSet.Parse("tags:\n  - tag: t\n    when: 'count(event = \"x\", within: 2d) >= 2'\n    expires: 10d", "r");
        Assert.Equal(0, Conclude(rules, At(0), At(2)).TagCount);
        var held = Conclude(rules, At(0), At(1), At(10.9, "y"));
        Assert.Equal(1, held.TagCount);
        Assert.Equal(StartMs + 11 * DayMs, held.Tag(0).ExpiresMs);
        Assert.Equal(0, Conclude(rules, At(0), At(1), At(11, "y")).TagCount);
        // A lone later event does not make it true again, and does not prolong it.
        Assert.Equal(StartMs + 11 * DayMs, Conclude(rules, At(0), At(1), At(10, "x")).Tag(0).ExpiresMs);
    }

    [Fact]
    public void Expiring_Value_LastsFromItsOwnEvent()
    {
        var rules = RuleSet.Parse("tags:\n  - tag: t\n    value: last(page, any)\n    expires: 3d", "r");
        var held = Conclude(rules, At(0) with { Page = "/a" }, At(2.9));
        Assert.Equal("/a", held.Tags()["t"]);
        Assert.Equal(StartMs + 3 * DayMs, held.Tag(0).ExpiresMs);
        Assert.Equal(0, Conclude(rules, At(0) with { Page = "/a" }, At(3)).TagCount);
    }

    [Fact]
    public void Manual_AfterAnotherRuleFileAndAMerge_IsWhatWasSetLast()
    {
        static Told By(double days, string name, string author, string? value = null)
        {
            Dictionary<string, object> properties = new() { ["tag"] = "vip", ["author"] = author };
            if (value is not null) properties.Add("value", value);
            return At(days, name) with { Properties = properties };
        }
        var before = RuleSet.Parse("tags:\n  - { tag: vip, manual: true }", "r");
        var one = Shard(before, By(0, "tag_set", "li"), At(5));
        var other = Shard(before, By(1, "tag_set", "wang", "gold"), By(0.5, "tag_unset", "zhao"));
        var after = RuleSet.Parse("tags:\n  - { tag: buyer, when: seen(event = \"buy\") }\n  - { tag: vip, manual: true, expires: 30d }", "r");
        var conclusion = new Conclusion();
        after.Evaluate(Customer(one), StartMs + 5 * DayMs, conclusion);
        Assert.Equal("1", conclusion.Tags()["vip"]);
        after.Evaluate(Customer(one, other), StartMs + 5 * DayMs, conclusion);
        Assert.Equal("gold", conclusion.Tags()["vip"]);
        Assert.Equal(StartMs + 31 * DayMs, conclusion.NextChangeMs);
        var mark = (ScrmStream.Profiles.ManualMark)after.Tags[1].Aggregates.Single();
        Assert.True(mark.TryGet(Customer(one, other), out var latest));
        Assert.Equal("wang"u8, latest.Author);
        after.Evaluate(Customer(one, other, Shard(after, By(2, "tag_unset", "li"))), StartMs + 5 * DayMs, conclusion);
        Assert.Equal(0, conclusion.TagCount);
    }

    [Theory]
    [InlineData("page contains \"at\"", true)]
    [InlineData("page starts_with \"at\"", false)]
    [InlineData("page starts_with \"/c\"", true)]
    [InlineData("page ends_with \"t\"", true)]
    [InlineData("page matches \"^/[a-c]+t$\"", true)]
    [InlineData("page matches \"^[a-c]+t$\"", false)]
    [InlineData("referrer contains \"a\"", false)]
    [InlineData("page exists", true)]
    [InlineData("not referrer exists", true)]
    [InlineData("event_id = \"e1\"", true)]
    public void Filter_OverPartsOfTexts_MatchesWhatItSays(string filter, bool expected) =>
        Assert.Equal(expected, Holds($"seen({filter})", At(0) with { Page = "/cat", EventId = "e1" }));

    [Fact]
    public void Evaluate_BeforeTheLastEvent_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Conclude(Tag("seen(any)"), StartMs - 1, At(0)));

    [Fact]
    public void Evaluate_NoEvents_ConcludesNothing()
    {
        var conclusion = new Conclusion();
        Tag("not seen(event = \"x\")").Evaluate(new ScrmStream.Profiles.ShardSet(), StartMs, conclusion);
        Assert.Equal(0, conclusion.TagCount);
    }
}
