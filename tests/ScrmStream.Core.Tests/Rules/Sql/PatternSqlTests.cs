using ScrmStream.Rules;
using ScrmStream.Rules.Sql;

namespace ScrmStream.Tests.Rules.Sql;

public sealed class PatternSqlTests
{
    [Theory]
    [InlineData("^/p/[0-9]+$", @"^/p/[0-9]+(?:\n?\z)")]
    [InlineData(@"a.b\.c", @"a[^\n]b\.c")]
    [InlineData(@"\d{2,3}", @"[\p{Nd}]{2,3}")]
    [InlineData(@"[^\w-]", @"[^\p{L}\p{Mn}\p{Nd}\p{Pc}-]")]
    [InlineData("(?:a|b)$|c", @"(?:a|b)(?:\n?\z)|c")]
    [InlineData("(?<sku>x)y{z", @"(x)y\{z")]
    [InlineData(@"(?i)cat[[\]]", @"(?i)cat[\[\]]")]
    public void Of_PatternOfNet_IsThatOfRe2(string pattern, string re2) => Assert.Equal(re2, PatternSql.Of(pattern));

    [Theory]
    [InlineData(@"\bcat\b", @"\b")]
    [InlineData("[a-z-[aeiou]]", "[...-[...]]")]
    [InlineData("a$b", "$ before something else")]
    [InlineData("(?s)a", "(?...)")]
    [InlineData("a{2000}", "1000 repeats")]
    [InlineData(@"\p{IsGreek}", "category")]
    public void Check_PatternWithoutAnEqualInSql_IsRefusedWithItsPlace(string pattern, string part)
    {
        var yaml = $"tags:\n  - tag: t\n    when: 'seen(page matches \"{pattern.Replace("\\", "\\\\", StringComparison.Ordinal)}\")'\n";
        var refused = Assert.Throws<RuleFileException>(() => RuleSet.Parse(yaml, "rules.yaml"));
        Assert.Contains("rules.yaml:3:", refused.Message);
        Assert.Contains(part, refused.Message);
    }
}
