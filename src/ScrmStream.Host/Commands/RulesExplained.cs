using System.Text.Json;
using ScrmStream.Host.Reading;
using ScrmStream.Profiles;
using ScrmStream.Rules;

namespace ScrmStream.Host.Commands;

/// <summary>What <c>rules explain</c> says of a rule file: its rules, their state with limits and bytes, and their timers.</summary>
internal static class RulesExplained
{
    public static void Write(RuleSet rules)
    {
        foreach (var attribute in rules.Attributes) Console.WriteLine($"line {attribute.Line}: {attribute.Text}");
        foreach (var tag in rules.Tags)
        {
            Console.WriteLine($"line {tag.Line}: {tag.Text}");
            var timer = tag.ChangesByItself ? "changes by itself: needs a timer" : "changes with events only";
            Console.WriteLine($"    {timer}; at most {Bytes(tag.Aggregates):N0} B per identifier");
        }
        foreach (var score in rules.Scores)
        {
            Console.WriteLine($"line {score.Line}: {score.Text}");
            if (score.ChangesByItself) Console.WriteLine("    changes by itself: needs a timer");
        }
        foreach (var pipeline in rules.Pipelines)
        {
            Console.WriteLine($"line {pipeline.Line}: {pipeline.Text}");
            var timer = pipeline.ChangesByItself ? "changes by itself: needs a timer" : "changes with events only";
            Console.WriteLine($"    {timer}; at most {Bytes(pipeline.Aggregates):N0} B per identifier");
        }
        foreach (var action in rules.Actions?.Rules ?? [])
        {
            Console.WriteLine($"line {action.Line}: {action.Text}");
            Console.WriteLine("    decided when the watermark passes its moment: needs a timer");
        }
        Console.WriteLine(
            $"\nKept per identifier that events are attributed to, each once something passes its filter ({rules.Aggregates.Count}):");
        foreach (var aggregate in rules.Aggregates)
            Console.WriteLine($"  {aggregate.Text}\n    {Exactness(aggregate)}; at most {Bytes(aggregate):N0} B");
        var timed = rules.Tags.Count(t => t.ChangesByItself);
        Console.WriteLine($"\nTogether at most {Bytes(rules.Aggregates):N0} B per identifier. {timed} of {rules.Tags.Count} tags change by "
            + "themselves: one timer per customer, at the next of their moments, serves them all.");
    }

    public static void WriteJson(RuleSet rules) => Console.WriteLine(JsonSerializer.Serialize(new
    {
        attributes = rules.Attributes.Select(a => new { a.Name, a.Type, a.Text, a.Line }),
        tags = rules.Tags.Select(t => new { t.Name, t.Text, t.Line, timer = t.ChangesByItself, bytes_max = Bytes(t.Aggregates) }),
        scores = rules.Scores.Select(s => new { s.Name, s.Text, s.Line, timer = s.ChangesByItself }),
        pipelines = rules.Pipelines.Select(
            p => new { p.Name, p.Text, p.Line, timer = p.ChangesByItself, bytes_max = Bytes(p.Aggregates) }),
        actions = rules.Actions?.Rules.Select(a => new { a.Name, a.Text, a.Line }),
        state = rules.Aggregates.Select(a => new { a.Text, exactness = Exactness(a), bytes_max = Bytes(a) }),
        bytes_max = Bytes(rules.Aggregates),
    }, ResultTable.Json));

    public static string Exactness(Aggregate aggregate) => aggregate.Limit ?? "exact";

    private static int Bytes(Aggregate aggregate) => ShardBuffer.AggregateHeaderBytes + aggregate.BytesMax;

    private static long Bytes(IEnumerable<Aggregate> aggregates) => aggregates.Sum(a => (long)Bytes(a));
}
