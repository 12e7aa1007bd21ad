using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ScrmStream.Host.Reading;
using ScrmStream.Profiles;
using ScrmStream.Rules;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream rules</c>: looks at rule files without running them.</summary>
internal static class RulesCommand
{
    private const long DayMs = 86_400_000;

    public static Command Create() => new("rules", "Checks and explains rule files.") { Check(), Explain() };

    private static Command Check()
    {
        var file = RuleFile();
        var format = FormatOption.Of(FormatOption.Json);
        var command = new Command("check", "Says whether a rule file is right and what it holds. A wrong one gives FILE:LINE:COLUMN: "
            + "REASON and exit code 2.") { file, format };
        command.Runs((parsed, _) =>
        {
            var path = parsed.GetValue(file)!;
            var rules = RuleSet.Load(path);
            if (parsed.GetValue(format) == FormatOption.Json) Console.WriteLine(ToJson(path, rules));
            else Write(path, rules);
            return Task.FromResult(Exits.Done);
        });
        return command;
    }

    private static Command Explain()
    {
        var file = RuleFile();
        var command = new Command("explain",
            "Shows each rule as it is understood, and what is remembered of every customer for the rules, with its limits.") { file };
        command.Runs((parsed, _) =>
        {
            var rules = RuleSet.Load(parsed.GetValue(file)!);
            foreach (var tag in rules.Tags) Console.WriteLine($"line {tag.Line}: {tag.Text}");
            foreach (var score in rules.Scores) Console.WriteLine($"line {score.Line}: {score.Text}");
            Console.WriteLine($"\nKept per identifier that events are attributed to ({rules.Aggregates.Count}):");
            foreach (var aggregate in rules.Aggregates) Console.WriteLine($"  {aggregate.Text}\n    {Exactness(aggregate)}");
            return Task.FromResult(Exits.Done);
        });
        return command;
    }

    private static Argument<string> RuleFile() => new("file") { Description = "The rule file (YAML); schemas/rules/examples has some." };

    private static string ToJson(string path, RuleSet rules) => JsonSerializer.Serialize(new
    {
        file = path, rules.Fingerprint,
        tags = rules.Tags.Select(t => new { t.Name, kind = Word(t.Kind), t.Values, expires_ms = t.ExpiresMs, t.Line }),
        scores = rules.Scores.Select(s => new
        {
            s.Name, half_life_ms = s.HalfLifeMs, grades = s.Grades.ToDictionary(g => g.Name, g => g.FromMicroPoints / 1_000_000m), s.Line,
        }),
        state = rules.Aggregates.Select(a => new { a.Text, exactness = Exactness(a) }),
    }, ResultTable.Json);

    private static void Write(string path, RuleSet rules)
    {
        var table = new ResultTable("rule", "name", "kind", "holds", "line") { Numbers = ["line"], Wraps = ["holds"] };
        foreach (var tag in rules.Tags)
        {
            var lasts = tag.ExpiresMs > 0 ? $"for {Span(tag.ExpiresMs)}" : "while it is true";
            var holds = tag.Values.Count > 0 ? string.Join(", ", tag.Values) : lasts;
            table.Add("tag", tag.Name, Word(tag.Kind), holds, $"{tag.Line}");
        }
        foreach (var score in rules.Scores)
        {
            var grades = score.Grades.Select(g =>
                string.Create(CultureInfo.InvariantCulture, $"{g.Name} from {g.FromMicroPoints / 1_000_000m:0.######}"));
            var fading = score.HalfLifeMs > 0 ? $"halves in {Span(score.HalfLifeMs)}" : "does not fade";
            table.Add("score", score.Name, fading, string.Join(", ", grades), $"{score.Line}");
        }
        table.Write();
        var limited = rules.Aggregates.Count(a => IsLimited(a));
        var exactness = limited == 0 ? "all are exact"
            : $"{limited} keep the latest {LatestTimes.KeepMax:N0} events per identifier and window (\"rules explain\" lists them)";
        Console.Error.WriteLine($"{path} is right: {rules.Tags.Count} tags, {rules.Scores.Count} scores on {rules.Aggregates.Count} "
            + $"aggregates; {exactness}. Fingerprint {rules.Fingerprint}.");
    }

    private static string Word(TagKind kind) => kind switch
    {
        TagKind.Boolean => "yes or no",
        TagKind.Valued => "value of events",
        _ => "one of",
    };

    // "count >= 3" needs three times however many there are; only a window that sums or counts openly is cut at the limit.
    private static bool IsLimited(Aggregate aggregate) => aggregate is LatestValues or LatestTimes { Keep: LatestTimes.KeepMax };

    private static string Exactness(Aggregate aggregate) => IsLimited(aggregate)
        ? $"exact for up to {LatestTimes.KeepMax:N0} events per identifier and window, the latest count beyond that"
        : "exact";

    private static string Span(long milliseconds) =>
        milliseconds % DayMs == 0 ? $"{milliseconds / DayMs}d" : $"{TimeSpan.FromMilliseconds(milliseconds)}";
}
