using System.CommandLine;
using ScrmStream.Host.Mapping;
using ScrmStream.Host.Replay;
using ScrmStream.Host.Settings;
using ScrmStream.Rules;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream replay</c>: the engine over files.</summary>
public static class ReplayCommand
{
    public static Command Create()
    {
        var input = new Option<string[]>("--input")
        {
            Description = "NDJSON or CSV files, .gz too, read in this order.", Required = true, AllowMultipleArgumentsPerToken = true,
        };
        var mapping = new Option<string?>("--mapping")
            { Description = "How rows become events (schemas/mappings); without it lines are canonical events." };
        var rules = new Option<string?>("--rules") { Description = "Rule file (YAML)." };
        var asOf = new Option<string?>("--as-of")
            { Description = "Apply events up to this time, and conclude tags and scores as of it; default: the greatest event time." };
        var tags = new Option<string>("--tags-as-of")
        {
            Description = "When tags are concluded: \"end\" (--as-of), or \"last-event\" of each customer, as \"run\" publishes them.",
            DefaultValueFactory = _ => Replayer.End,
        };
        tags.AcceptOnlyFromAmong(Replayer.End, Replayer.LastEvent);
        var output = new Option<string>("--output")
            { Description = "Folder of customers.ndjson, summary.json, rejects.ndjson and identity-changes.ndjson.", Required = true };
        var config = new Option<string?>("--config") { Description = "Configuration file (JSON)." };
        var command = new Command("replay", "Runs the same engine over files, without servers.")
            { input, mapping, rules, asOf, tags, output, config };
        command.Runs(async (parsed, cancel) =>
        {
            var map = parsed.GetValue(mapping) is { } file ? MappingFile.Load(file) : null;
            var plan = new ReplayPlan(
                parsed.GetValue(input)!, map?.ToRowMapping(), parsed.GetValue(rules) is { } r ? RuleSet.Load(r) : RuleSet.Empty,
                Times.Parse(parsed.GetValue(asOf), "--as-of", map?.TimeZone ?? Times.Shanghai), parsed.GetValue(output)!)
            {
                TagsAsOfLastEvent = parsed.GetValue(tags) == Replayer.LastEvent,
            };
            var settings = HostSettings.Load(parsed.GetValue(config), new CommandLineValues());
            Console.WriteLine(await Replayer.RunAsync(plan, settings.Pipeline, TimeProvider.System, cancel));
            return Exits.Done;
        });
        return command;
    }
}
