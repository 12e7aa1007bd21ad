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

    public static Command Create() => new("rules", "Checks, tests and explains rule files, compares them with SQL, and puts them "
        + "in force.")
    {
        Check(), Test(), Explain(), RulesSql.Sql(), RulesSql.Audit(), RulesSql.Diff(), RulesPublish.Publish(), RulesPublish.Status(),
    };

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

    private static Command Test()
    {
        var files = new Argument<string[]>("file") { Description = "Rule files (YAML).", Arity = ArgumentArity.OneOrMore };
        var cases = new Option<string?>("--cases") { Description = "File of cases; default: NAME.cases.yaml beside NAME.yaml." };
        var format = FormatOption.Of(FormatOption.Json);
        var command = new Command("test", "Runs the cases beside rule files: given these events, these tags at these times. What is not as "
            + "expected is said with FILE:LINE, and the exit code is 1.") { files, cases, format };
        command.Runs((parsed, _) => Task.FromResult(RulesTest.Run(
            parsed.GetValue(files)!, parsed.GetValue(cases), parsed.GetValue(format) == FormatOption.Json)));
        return command;
    }

    private static Command Explain()
    {
        var file = RuleFile();
        var format = FormatOption.Of(FormatOption.Json);
        var command = new Command("explain", "Shows each rule as it is understood, what is remembered of every customer for it, with its "
            + "limits and bytes, and whether it changes by the mere passing of time.") { file, format };
        command.Runs((parsed, _) =>
        {
            var rules = RuleSet.Load(parsed.GetValue(file)!);
            if (parsed.GetValue(format) == FormatOption.Json) RulesExplained.WriteJson(rules);
            else RulesExplained.Write(rules);
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
        pipelines = rules.Pipelines.Select(p => new { p.Name, p.Type, p.States, p.Funnel, p.Reminders, p.Line }),
        actions = rules.Actions?.Rules.Select(a => new { a.Name, to = a.IsForStaff ? "staff" : "customer", a.Line }),
        state = rules.Aggregates.Select(a => new { a.Text, exactness = RulesExplained.Exactness(a), bytes_max = a.BytesMax }),
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
            var fading = score.HalfLifeMs > 0 ? $"halves in {Span(score.HalfLifeMs)}" : score.Fades ? "fades by age" : "does not fade";
            table.Add("score", score.Name, fading, string.Join(", ", grades), $"{score.Line}");
        }
        foreach (var pipeline in rules.Pipelines)
            table.Add("pipeline", pipeline.Name, $"{pipeline.Type} leads", string.Join(", ", pipeline.States), $"{pipeline.Line}");
        foreach (var action in rules.Actions?.Rules ?? [])
        {
            var often = action.OncePerMs switch { 0 => "every time", long.MaxValue => "once", var ms => $"once per {Span(ms)}" };
            table.Add("action", action.Name, action.IsForStaff ? "to staff" : "to the customer", often, $"{action.Line}");
        }
        table.Write();
        var limited = rules.Aggregates.Count(a => a.Limit is not null);
        var exactness = limited == 0 ? "all are exact" : $"{limited} are exact up to a limit (\"rules explain\" lists them)";
        var pipelines = rules.Pipelines.Count == 0 ? "" : $", {rules.Pipelines.Count} pipelines";
        Console.Error.WriteLine($"{path} is right: {rules.Tags.Count} tags, {rules.Scores.Count} scores{pipelines}, "
            + $"{rules.Actions?.Rules.Count ?? 0} actions on {rules.Aggregates.Count} aggregates; {exactness}. "
            + $"Fingerprint {rules.Fingerprint}.");
    }

    private static string Word(TagKind kind) => kind switch
    {
        TagKind.Boolean => "yes or no",
        TagKind.Valued => "value of events",
        TagKind.Group => "one of",
        TagKind.Set => "some of",
        TagKind.Grid => "grades of two scores",
        _ => "by hand",
    };

    private static string Span(long milliseconds) =>
        milliseconds % DayMs == 0 ? $"{milliseconds / DayMs}d" : $"{TimeSpan.FromMilliseconds(milliseconds)}";
}
