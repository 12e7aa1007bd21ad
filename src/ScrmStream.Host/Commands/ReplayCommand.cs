using System.CommandLine;
using ScrmStream.Host.Mapping;
using ScrmStream.Host.Replay;
using ScrmStream.Host.Settings;
using ScrmStream.Rules;
using ScrmStream.Rules.Actions;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream replay</c>: the engine over files.</summary>
public static class ReplayCommand
{
    public static Command Create()
    {
        var input = new Option<string[]>("--input")
        {
            Description = "NDJSON or CSV files, .gz too, or Avro files; read in this order.", AllowMultipleArgumentsPerToken = true,
        };
        var query = new Option<string?>("--query")
            { Description = "ClickHouse SQL instead of files: each row is an NDJSON object for the mapping. Needs ClickHouse." };
        var clickHouse = new Option<string?>("--clickhouse") { Description = "ClickHouse over HTTP, for --query." };
        var mapping = new Option<string?>("--mapping")
            { Description = "How rows become events (schemas/mappings); without it lines are canonical events." };
        var rules = new Option<string?>("--rules") { Description = "Rule file (YAML)." };
        var asOf = new Option<string?>("--as-of")
            { Description = "Apply events up to this time, and read scores as of it; default: the greatest event time." };
        var tags = new Option<string>("--tags-as-of")
        {
            Description =
                "When tags are concluded: \"end\" (--as-of), as \"run --until-idle\" leaves them, or \"last-event\" of each customer.",
            DefaultValueFactory = _ => Replayer.End,
        };
        tags.AcceptOnlyFromAmong(Replayer.End, Replayer.LastEvent);
        var output = new Option<string>("--output")
            { Description = "Folder of customers.ndjson, summary.json, rejects.ndjson and identity-changes.ndjson.", Required = true };
        var config = new Option<string?>("--config") { Description = "Configuration file (JSON)." };
        var command = new Command("replay", "Runs the same engine over files, without servers.")
            { input, query, mapping, rules, asOf, tags, output, clickHouse, config };
        command.Runs((parsed, cancel) => ClickHouseErrors.GuardAsync(async () =>
        {
            var settings = HostSettings.Load(parsed.GetValue(config), new CommandLineValues(ClickHouse: parsed.GetValue(clickHouse)));
            var (files, sql) = (parsed.GetValue(input)!, parsed.GetValue(query));
            if (files.Length > 0 == sql is not null) throw new SettingsException("Give one of --input FILE and --query SQL.");
            using var rows = sql is null ? null : await QueryRows.ReadAsync(settings, sql, cancel);
            var map = parsed.GetValue(mapping) is { } file ? MappingFile.Load(file) : null;
            var plan = new ReplayPlan(
                rows is null ? files : [rows.Path], map?.ToRowMapping(),
                parsed.GetValue(rules) is { } r ? RuleSet.Load(r, MemoryLimits.Replay) : RuleSet.Empty,
                Times.Parse(parsed.GetValue(asOf), "--as-of", map?.TimeZone ?? Times.Shanghai), parsed.GetValue(output)!)
            {
                TagsAsOfEnd = parsed.GetValue(tags) == Replayer.End,
            };
            Console.WriteLine(await Replayer.RunAsync(plan, settings.Pipeline, settings.Schemas, TimeProvider.System, cancel));
            return Exits.Done;
        }));
        return command;
    }
}
