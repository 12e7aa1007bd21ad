using ScrmStream.Host.RuleCases;
using ScrmStream.Host.Settings;
using ScrmStream.Rules;
using ScrmStream.Rules.Actions;

namespace ScrmStream.Integration.Files;

/// <summary>The cases beside the shipped rule files, and what a wrong case says.</summary>
public sealed class RuleCaseTests
{
    private const string Rules = "tags:\n  - tag: t\n    when: count(event = \"x\", within 1h) >= 2\nscores:\n"
        + "  - score: s\n    points: [{ when: event = \"x\", add: 1.25 }]\n    grades: { A: 2 }\n";

    [Fact]
    public void ShippedRules_WithCases_AreAsTheirCasesSay()
    {
        var files = Directory.GetFiles(Path.Combine(MappingFixture.Schemas(), "rules", "examples"), "*.cases.yaml");
        Assert.True(files.Length >= 7);
        foreach (var file in files)
        {
            var rules = RuleSet.Load(file.Replace(".cases.yaml", ".yaml", StringComparison.Ordinal), MemoryLimits.Replay);
            var cases = RuleCaseFile.Load(file, rules);
            Assert.NotEmpty(cases);
            Assert.Empty(cases.SelectMany(new RuleCaseRun(rules).Run));
        }
    }

    [Theory]
    [InlineData("tags: [t]", "tag t does not hold; there are none", 0)]
    [InlineData("absent: [t]", "tag t holds", 10)]
    [InlineData("tags: { t: high }", "tag t is 1, not high", 10)]
    [InlineData("scores: { s: 2.4 }", "score s is 2.5, not 2.4", 10)]
    [InlineData("scores: { none: 1 }", "there is no score none", 10)]
    [InlineData("grades: { s: A }", "the grade of s is none, not A", 0)]
    [InlineData("next_change: 2026-03-01T11:00", "the next change is 2026-03-01T03:00:00.001Z, not 2026-03-01T03:00:00.000Z", 10)]
    public void Run_ACaseThatIsNotSo_SaysWhereAndWhy(string expected, string reason, int minutes)
    {
        var failure = Assert.Single(Run($"""
            cases:
              - case: two in an hour
                events:
                  - at: 2026-03-01T10:00:00.001
                    event: x
                  - at: +5m
                    event: x
                expect:
                  - at: 2026-03-01T10:{minutes:00}:00.001
                    {expected}
            """));
        Assert.Equal((reason, 9), (failure.Reason, failure.Line));
    }

    [Theory]
    [InlineData("cases:\n  - case: c\n    events: [{ at: +5m, event: x }]\n    expect: []", "c.yaml:3:20: '+5m' comes after nothing")]
    [InlineData("cases:\n  - case: c\n    events: [{ at: soon, event: x }]\n    expect: []", "c.yaml:3:20: at 'soon'")]
    [InlineData("cases:\n  - case: c\n    events: [{ at: 2026-03-01, evnt: x }]\n    expect: []", "c.yaml:3:32: unknown key 'evnt' of an event")]
    [InlineData("cases:\n  - events: []\n    expect: []", "c.yaml:2:5: 'case' with its name is missing")]
    [InlineData("- x", "c.yaml:1:1: a file of cases is a map")]
    public void Load_AMistake_IsRefusedWithItsPlace(string yaml, string message) =>
        Assert.StartsWith(message, Assert.Throws<SettingsException>(() => Load(yaml)).Message);

    [Fact]
    public void Run_AnEventThatIsNotAccepted_Fails()
    {
        var failure = Assert.Single(Run("cases:\n  - case: c\n    events: [{ at: 2026-03-01 }]\n    expect: [{ at: +1d }]"));
        Assert.StartsWith("an event is not accepted", failure.Reason);
    }

    private static List<CaseFailure> Run(string yaml) => [.. Load(yaml).SelectMany(new RuleCaseRun(RuleSet.Parse(Rules, "r")).Run)];

    private static IReadOnlyList<RuleCase> Load(string yaml)
    {
        var folder = Directory.CreateTempSubdirectory("scrm-cases-").FullName;
        try
        {
            var file = Path.Combine(folder, "c.yaml");
            File.WriteAllText(file, yaml);
            return RuleCaseFile.Load(file, RuleSet.Parse(Rules, "r"));
        }
        catch (SettingsException e)
        {
            throw new SettingsException(e.Message.Replace(folder + Path.DirectorySeparatorChar, "", StringComparison.Ordinal));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
