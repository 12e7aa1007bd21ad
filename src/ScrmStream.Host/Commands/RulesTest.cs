using System.Text.Json;
using ScrmStream.Host.Reading;
using ScrmStream.Host.RuleCases;
using ScrmStream.Rules;
using ScrmStream.Rules.Actions;

namespace ScrmStream.Host.Commands;

/// <summary>What <c>rules test</c> does: runs the cases beside rule files and says what is not as expected.</summary>
internal static class RulesTest
{
    public static int Run(string[] ruleFiles, string? casesFile, bool json)
    {
        var (cases, expectations) = (0, 0);
        List<(string File, CaseFailure Failure)> failures = [];
        foreach (var ruleFile in ruleFiles)
        {
            var rules = RuleSet.Load(ruleFile, MemoryLimits.Replay);
            var file = casesFile ?? RuleCaseFile.Beside(ruleFile);
            var run = new RuleCaseRun(rules);
            foreach (var one in RuleCaseFile.Load(file, rules))
            {
                cases++;
                expectations += one.Expected.Count;
                failures.AddRange(run.Run(one).Select(f => (file, f)));
            }
        }
        if (json) Console.WriteLine(ToJson(cases, expectations, failures));
        else
        {
            foreach (var (file, f) in failures)
            {
                var at = DateTimeOffset.FromUnixTimeMilliseconds(f.TimeMs);
                Console.WriteLine($"{file}:{f.Line}: {f.Case}: at {at:yyyy-MM-dd HH:mm:ss}Z {f.Reason}");
            }
            var result = failures.Count == 0 ? "all as expected" : $"{failures.Count} not as expected";
            Console.WriteLine($"{cases} cases, {expectations} moments: {result}");
        }
        return failures.Count == 0 ? Exits.Done : Exits.Failed;
    }

    private static string ToJson(int cases, int moments, List<(string File, CaseFailure Failure)> failures) => JsonSerializer.Serialize(new
    {
        cases, moments,
        failures = failures.Select(f => new { f.File, f.Failure.Line, f.Failure.Case, at = f.Failure.TimeMs, f.Failure.Reason }),
    }, ResultTable.Json);
}
