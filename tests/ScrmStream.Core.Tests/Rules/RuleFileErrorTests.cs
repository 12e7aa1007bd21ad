using ScrmStream.Rules;
using Xunit;

namespace ScrmStream.Tests.Rules;

public sealed class RuleFileErrorTests
{
    [Theory]
    [InlineData("tags:\n  - tag: a\n    when: sen(event = \"x\")", 3, 11, "unknown condition 'sen'")]
    [InlineData("tags:\n  - tag: a\n    when: seen(evnt = \"x\")", 3, 16, "unknown field 'evnt'")]
    [InlineData("tags:\n  - tag: a\n    when: 'seen(evnt = \"x\")'", 3, 17, "unknown field 'evnt'")]
    [InlineData("tags:\n  - tag: a\n    when: count(event = \"x\", within: 7q) >= 1", 3, 38, "'7q' is no duration")]
    [InlineData("tags:\n  - tag: a\n    when: count(event = \"x\", within: 401d) >= 1", 3, 38, "out of range")]
    [InlineData("tags:\n  - tag: a\n    when: count(event = \"x\", within: 0d) >= 1", 3, 38, "out of range")]
    [InlineData("tags:\n  - tag: a\n    when: count(event = \"x\")", 3, 29, "expected =, !=")]
    [InlineData("tags:\n  - tag: a\n    when: count(event = \"x\") >= 1.5", 3, 33, "whole number")]
    [InlineData("tags:\n  - tag: a\n    when: count(any, within 1d) >= 1024", 3, 36, "at most 1023")]
    [InlineData("tags:\n  - tag: a\n    when: event = \"x\"", 3, 11, "write seen(...)")]
    [InlineData("tags:\n  - tag: a\n    when: seen(count(any) > 1)", 3, 16, "filter of one event")]
    [InlineData("tags:\n  - tag: a\n    when: seen(event == \"x\")", 3, 22, "write = for equality")]
    [InlineData("tags:\n  - tag: a\n    when: seen(event = \"x)", 3, 24, "no closing")]
    [InlineData("tags:\n  - tag: a\n    when: seen(event = \"x\") und seen(any)", 3, 29, "expected the end")]
    [InlineData("tags:\n  - tag: a\n    when: seen(channel = \"tiktok\")", 3, 26, "unknown channel \"tiktok\"")]
    [InlineData("tags:\n  - tag: a\n    when: seen(page = 5)", 3, 23, "write it in double quotes")]
    [InlineData("tags:\n  - tag: a\n    when: seen(amount_fen = \"5\")", 3, 29, "without quotes")]
    [InlineData("tags:\n  - tag: a\n    when: seen(page > \"5\")", 3, 23, "> needs a number")]
    [InlineData("tags:\n  - tag: a\n    when: seen(event = \"c\", after: it)", 3, 29, "needs 'within' and a duration")]
    [InlineData("tags:\n  - tag: a\n    when: seen(event = \"c\", after: it, within: 3d)", 3, 11, "directly before it")]
    [InlineData("tags:\n  - tag: a\n    when: seen(any) and not seen(event = \"c\", after: it, within: 3d) and seen(any, after: it, within: 1d)", 3, 74, "nothing can follow")]
    [InlineData("tags:\n  - tag: a\n    when: seen(any, within: 2d) and not seen(event = \"c\", after: it, within: 3d)", 3, 41, "can never hold")]
    [InlineData("tags:\n  - tag: a\n    when: seen(any, same: page)", 3, 21, "'same' goes with 'after: it'")]
    [InlineData("tags:\n  - tag: a\n    when: count(any, after: it, within: 3d) > 1", 3, 22, "goes with seen(...), not with count")]
    [InlineData("tags:\n  - tag: a\n    when: dictinct(page, any) > 3", 3, 11, "did you mean 'distinct'?")]
    [InlineData("tags:\n  - tag: a\n    when: days(any) > 1024", 3, 23, "at most 1023")]
    [InlineData("tags:\n  - tag: a\n    when: days(any, within: this year) > 3", 3, 34, "day, week or month")]
    [InlineData("tags:\n  - tag: a\n    when: days_in_row(any, within: 3d) > 3", 3, 11, "takes no window")]
    [InlineData("tags:\n  - tag: a\n    when: days(any, within: 3d) > 401", 3, 35, "at most 400")]
    [InlineData("tags:\n  - tag: a\n    when: time_since(any) = 3d", 3, 27, "compares with <")]
    [InlineData("tags:\n  - tag: a\n    when: time_since(any) > 3", 3, 30, "'* mean_gap'")]
    [InlineData("tags:\n  - tag: a\n    when: time_since(any) > 0 * mean_gap", 3, 29, "above 0")]
    [InlineData("tags:\n  - tag: a\n    when: attribute.age > 25", 3, 11, "there is no attribute 'age'")]
    [InlineData("attributes:\n  - { attribute: birthday, type: date }\ntags:\n  - tag: a\n    when: age_years(attribute.birtday) > 25", 5, 11, "did you mean 'birthday'?")]
    [InlineData("attributes:\n  - { attribute: birthday, type: date }\ntags:\n  - tag: a\n    when: attribute.birthday > 25", 5, 11, "is a date, which does not go with a number")]
    [InlineData("attributes:\n  - { attribute: age, type: number }\ntags:\n  - tag: a\n    when: days_until(attribute.age) = 0", 5, 11, "is a number, which does not go with a date")]
    [InlineData("attributes:\n  - { attribute: age, type: numbr }", 2, 29, "did you mean 'number'?")]
    [InlineData("attributes:\n  - { attribute: age, value: 'last(page, any, within: 3d)' }", 2, 30, "takes no window")]
    [InlineData("attributes:\n  - { attribute: a, type: text, value: 'count(any)' }", 2, 27, "what is calculated is a number")]
    [InlineData("attributes:\n  - attribute: a\n    value: count(any) * attribute.b\n  - attribute: b", 3, 25, "declared below")]
    [InlineData("attributes:\n  - attribute: a\n    value: count(any) - attribute.a", 3, 25, "declared below")]
    [InlineData("attributes:\n  - attribute: sku\n    type: text\n  - attribute: a\n    value: attribute.sku + 1", 5, 12, "is a text, which does not go with a calculation")]
    [InlineData("attributes:\n  - attribute: a\n    value: count(any) / last(page, any)", 3, 25, "is a text and takes no part")]
    [InlineData("attributes:\n  - attribute: a\n    value: count(any) +", 3, 24, "expected a number such as")]
    [InlineData("attributes:\n  - attribute: a\n    value: count(any) or today", 3, 26, "expected a number")]
    [InlineData("attributes:\n  - attribute: a\n    value: first_day(event = \"x\", within 3d)", 3, 33, "expected ')'")]
    [InlineData("attributes:\n  - attribute: a\n    value: count(any)\ntags:\n  - tag: t\n    when: attribute.a = \"x\"", 6, 11, "does not go with a text")]
    [InlineData("time_zone: Asia/Shangai", 1, 12, "unknown time zone 'Asia/Shangai'")]
    [InlineData("tags:\n  - tag: a\n    set:\n      \"x,y\": seen(any)", 4, 14, "has a comma")]
    [InlineData("tags:\n  - tag: a\n    manual: true\n    when: seen(any)", 2, 5, "'manual' stands alone")]
    [InlineData("tags:\n  - tag: a\n    manual: maybe", 3, 13, "true or absent")]
    [InlineData("tags:\n  - tag: a\n    when: seen(page matches \"(a)\\\\1\")", 3, 29, "without looking back")]
    [InlineData("tags:\n  - tag: a\n    when: seen(page matches \"(a\")", 3, 29, "no pattern")]
    [InlineData("tags:\n  - tag: a\n    when: seen(amount_fen contains \"5\")", 3, 27, "amount_fen is a number")]
    [InlineData("tags:\n  - tag: a\n    when: seen(event = \"x\", within: 3d)\n  - tag: b\n    when: has(aa)", 5, 11, "there is no tag 'aa'; did you mean 'a'?")]
    [InlineData("tags:\n  - tag: a\n    when: seen(evnt = \"x\")", 3, 16, "did you mean 'event'?")]
    [InlineData("tags:\n  - tag: a\n    whn: seen(any)", 3, 5, "did you mean 'when'?")]
    [InlineData("tags:\n  - tag: a\n    when: sum(page, any) > 3", 3, 15, "page is no number")]
    [InlineData("tags:\n  - tag: a\n    when: seen(any)\n    expired: 3d", 4, 5, "unknown key 'expired'")]
    [InlineData("tags:\n  - tag: a\n    when: seen(any)\n    expires: 3", 4, 14, "'3' is no duration")]
    [InlineData("tags:\n  - tag: a\n    when: seen(any)\n    once_per: 3d", 4, 5, "not supported yet: 'once_per'")]
    [InlineData("tags:\n  - tag: a\n    when: seen(any)\n  - tag: a\n    when: seen(any)", 4, 5, "another tag 'a'")]
    [InlineData("tags:\n  - tag: a b\n    when: seen(any)", 2, 10, "a name has")]
    [InlineData("tags:\n  - when: seen(any)", 2, 5, "'tag' with its name is missing")]
    [InlineData("tags:\n  - tag: a", 2, 5, "needs 'when', 'value', 'values', 'set', 'grid' or 'manual'")]
    [InlineData("tags:\n  - tag: a\n    when: has(b)", 3, 11, "there is no tag 'b'")]
    [InlineData("tags:\n  - tag: a\n    when: has(b)\n  - tag: b\n    when: seen(any) and has(a)", 5, 25, "in a circle")]
    [InlineData("tags:\n  - tag: a\n    when: has(a)", 3, 11, "in a circle")]
    [InlineData("tags:\n  - tag: a\n    when: otherwise", 3, 11, "last value")]
    [InlineData("tags:\n  - tag: a\n    values:\n      x: otherwise\n      y: seen(any)", 5, 7, "'otherwise' comes last")]
    [InlineData("tags:\n  - tag: a\n    values:\n      x: seen(any)\n    expires: 3d", 5, 14, "not supported yet: 'expires' on a group")]
    [InlineData("tags:\n  - tag: a\n    when: last(page, any) = \"x\"\n    expires: 3d", 3, 11, "not supported yet: first(...) and last(...)")]
    [InlineData("tags:\n  - tag: a\n    when: first_seen within 3d\n    expires: 3d", 3, 11, "needs a seen, count or sum")]
    [InlineData("tags:\n  - tag: a\n    value: median(page, any)", 3, 12, "unknown value 'median'")]
    [InlineData("tags:\n  - tag: a\n    value: first(page, any, within 3d)", 3, 12, "not supported yet: a window in first")]
    [InlineData("segments:\n  - segment: a", 1, 1, "not supported yet: 'segments'")]
    [InlineData("actions:\n  - action: a", 2, 5, "needs 'when'")]
    [InlineData("actions:\n  - action: a.at\n    when: seen(any)", 2, 13, "does not end with '.at'")]
    [InlineData("actions:\n  - action: a\n    wen: seen(any)", 3, 5, "did you mean 'when'?")]
    [InlineData("actions:\n  - action: a\n    when: gained(tag = \"b\")", 3, 18, "there is no tag 'b'")]
    [InlineData("tags:\n  - tag: buyer\n    when: seen(any)\nactions:\n  - action: a\n    when: lost(has(bayer))", 6, 16, "did you mean 'buyer'?")]
    [InlineData("actions:\n  - action: a\n    when: gained(seen(evnt = \"x\"))", 3, 23, "did you mean 'event'?")]
    [InlineData("actions:\n  - action: a\n    when: score.s >= 3", 3, 11, "there is no score 's'")]
    [InlineData("actions:\n  - action: a\n    when: gained(seen(any)) and seen(any)", 3, 29, "expected the end")]
    [InlineData("actions:\n  - action: a\n    when: seen(any)\n    once: true\n    once_per: 3d", 5, 15, "not both")]
    [InlineData("actions:\n  - action: a\n    when: seen(any)\n    once_per: 500d", 4, 15, "out of range")]
    [InlineData("actions:\n  - action: a\n    when: seen(any)\n    to: stuff", 4, 9, "did you mean 'staff'?")]
    [InlineData("actions:\n  - action: a\n    when: seen(any)\n  - action: a\n    when: seen(any)", 4, 5, "another action 'a'")]
    [InlineData("contact:\n  cap: 3 a week", 2, 8, "reads '3 per 7d'")]
    [InlineData("contact:\n  quiet: 22-8", 2, 10, "quiet hours read")]
    [InlineData("contact:\n  never: { cap: seen(any) }", 2, 12, "gives itself")]
    [InlineData("contact:\n  also: any", 2, 9, "there is none")]
    [InlineData("tags:\n  - tag: a\n    when: gained(seen(any))", 3, 11, "is the whole 'when' of an action")]
    [InlineData("tags:\n  - tag: a\n    when: score.s >= 3", 3, 11, "not supported yet: a score in the condition of a tag")]
    [InlineData("rules: []", 1, 1, "unknown key 'rules'")]
    [InlineData("tags: {}", 1, 7, "'tags' is a list")]
    [InlineData("tags:\n  - x", 2, 5, "expected a map")]
    [InlineData("scores:\n  - score: s", 2, 5, "needs 'points'")]
    [InlineData("scores:\n  - score: s\n    points: [{ when: event = \"x\" }]", 3, 14, "points need 'add'")]
    [InlineData("scores:\n  - score: s\n    points: [{ when: event = \"x\", add: 10001 }]", 3, 40, "from -10000 to 10000")]
    [InlineData("scores:\n  - score: s\n    points: [{ when: event = \"x\", add: 1e3 }]", 3, 40, "is no number")]
    [InlineData("scores:\n  - score: s\n    points: [{ when: seen(any), add: 1 }]", 3, 22, "filter of one event")]
    [InlineData("scores:\n  - score: s\n    points: [{ when: any, add: 1, cap: 20 }]", 3, 40, "a cap reads '20 per 1d'")]
    [InlineData("scores:\n  - score: s\n    points: [{ when: any, add: 1, cap: 20 per 3h }]", 3, 40, "not supported yet: a cap per 3h")]
    [InlineData("scores:\n  - score: s\n    half_life: 30s\n    points: [{ when: any, add: 1 }]", 3, 16, "at least 1m")]
    [InlineData("scores:\n  - score: s\n    points: [{ when: any, add: 1 }]\n    grades: { A: 1, B: 1 }", 4, 21, "same points")]
    [InlineData("scores:\n  - score: s\n    half_life: 1d\n    linear: 3d\n    points: [{ when: any, add: 1 }]", 4, 13, "fades in one way")]
    [InlineData("scores:\n  - score: s\n    steps: { 3d: 0.5, 2d: 0 }\n    points: [{ when: any, add: 1 }]", 3, 23, "in order of age")]
    [InlineData("scores:\n  - score: s\n    steps: { 3d: 1.5 }\n    points: [{ when: any, add: 1 }]", 3, 18, "from 0 to 1")]
    [InlineData("scores:\n  - score: s\n    points: [{ when: any, add: 1, group: g }]", 3, 14, "there is no group 'g'")]
    [InlineData("scores:\n  - score: s\n    points: [{ when: any, add: 1 }]\n    groups: { g: 3 per 1d }", 4, 13, "no entry of points has the group 'g'")]
    [InlineData("scores:\n  - score: s\n    points: [{ when: any, add: 1, cap: 1 per 1w, group: g }]\n    groups: { g: 3 per month }", 3, 14, "does not fit into a group's cap per Month")]
    [InlineData("scores:\n  - score: s\n    max: 0\n    points: [{ when: any, add: 1 }]", 3, 10, "'max' lies above 0")]
    [InlineData("scores:\n  - score: s\n    min: 5\n    points: [{ when: any, add: 1 }]", 3, 10, "'min' is 0 or absent")]
    [InlineData("scores:\n  - score: s\n    hysteresis: 5\n    points: [{ when: any, add: 1 }]", 3, 17, "goes with 'grades'")]
    [InlineData("tags:\n  - tag: q\n    grid: [a]", 3, 11, "a list of two scores")]
    [InlineData("tags:\n  - tag: q\n    grid: [a, a]", 2, 5, "there is no score 'a'")]
    [InlineData("tags:\n  - tag: a\n    tag: b\n    when: seen(any)", 3, 5, "not readable as YAML")]
    [InlineData("tags: [", 2, 1, "not readable as YAML")]
    public void Parse_AMistake_IsRefusedWithItsPlace(string yaml, int line, int column, string reason)
    {
        var e = Assert.Throws<RuleFileException>(() => RuleSet.Parse(yaml, "rules.yaml"));
        Assert.Contains(reason, e.Reason);
        Assert.Equal((line, column), (e.Line, e.Column));
        Assert.StartsWith($"rules.yaml:{line}:{column}: ", e.Message);
    }

    [Fact]
    public void Parse_NestingWithoutEnd_IsRefused()
    {
        var yaml = $"tags:\n  - tag: a\n    when: {new string('(', 500)}seen(any){new string(')', 500)}";
        Assert.Contains("nested deeper than 32", Assert.Throws<RuleFileException>(() => RuleSet.Parse(yaml, "r")).Reason);
    }

    [Fact]
    public void Parse_CalculationNestedWithoutEnd_IsRefused()
    {
        var yaml = $"attributes:\n  - attribute: a\n    value: {new string('(', 500)}count(any){new string(')', 500)}";
        Assert.Contains("nested deeper than 32", Assert.Throws<RuleFileException>(() => RuleSet.Parse(yaml, "r")).Reason);
    }

    [Fact]
    public void Load_AMissingFile_IsRefusedByName()
    {
        var path = Path.Combine(Path.GetTempPath(), "no-such-rules.yaml");
        Assert.StartsWith(path + ":1:1: cannot be read", Assert.Throws<RuleFileException>(() => RuleSet.Load(path)).Message);
    }

    [Fact]
    public void Parse_EmptyOrNothing_IsAnEmptyRuleSet()
    {
        Assert.Empty(RuleSet.Parse("", "r").Tags);
        Assert.Empty(RuleSet.Parse("# only a comment\n", "r").Tags);
        Assert.Empty(RuleSet.Parse("tags: []\nscores: []\n", "r").Scores);
        Assert.Equal(RuleSet.Empty.Fingerprint, RuleSet.Parse("tags: []", "r").Fingerprint);
    }

    [Fact]
    public void Parse_WithinAndColonUnquoted_IsAcceptedWithComments()
    {
        var rules = RuleSet.Parse(
            "tags:\r\n  - tag: a   # why: because\r\n    when: count(event = \"it's # not\", within: 7d) >= 1   # note: seven\r\n    expires: 30d\r\n", "r");
        Assert.Equal("tag a when count(event in (\"it's # not\"), within: 7d) >= 1 expires 30d", rules.Tags[0].Text);
    }

    [Fact]
    public void Parse_CommasAndColonsInBraces_AreAccepted()
    {
        var rules = RuleSet.Parse(
            """
            tags:
              - { tag: a, when: count(event in ("x", "y, } z"), within: 7d) >= 1, expires: 3d } # two, three
            scores:
              - score: s
                points:
                  - { add: 2, when: event in ("x", "y") and page != "it's", cap: 20 per 1d }
            """, "r");
        Assert.Equal("tag a when count(event in (\"x\", \"y, } z\"), within: 7d) >= 1 expires 3d", rules.Tags[0].Text);
        Assert.Contains("event in (\"x\", \"y\") and not (\"page\" in (\"it's\")) add 2000000u cap", rules.Scores[0].Text);
    }

    [Fact]
    public void Fingerprint_OfTheSameMeaning_IsTheSame()
    {
        var one = RuleSet.Parse("tags:\n  - tag: a\n    when: seen(event = \"x\" and page = \"p\", within: 7d)", "r");
        var two = RuleSet.Parse("# note\ntags:\n  - {tag: a, description: d, when: 'seen( page=\"p\" and (event in (\"x\")) , within 1w )'}", "s");
        var three = RuleSet.Parse("tags:\n  - tag: a\n    when: seen(event = \"x\" and page = \"q\", within: 7d)", "r");
        Assert.Equal(one.Fingerprint, two.Fingerprint);
        Assert.NotEqual(one.Fingerprint, three.Fingerprint);
    }
}
