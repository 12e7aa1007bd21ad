using System.CommandLine;
using ScrmStream.Host.Generation;
using ScrmStream.Host.Importing;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;
using ScrmStream.Pipeline.Files;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream import</c>: lists and attributes, as events.</summary>
internal static class ImportCommand
{
    public static Command Create()
    {
        var servers = new ServerOptions();
        var input = new Option<string[]>("--input")
        {
            AllowMultipleArgumentsPerToken = true, Required = true,
            Description = "CSV files with a header, or NDJSON (by the name's end); .gz is unpacked.",
        };
        var mapping = new Option<string?>("--mapping")
            { Description = "Mapping (YAML) that says whom a row names; instead of --identifier." };
        var identifier = new Option<string?>("--identifier")
            { Description = "KIND:SCOPE:COLUMN: the column that names the customer, as in phone::mobile." };
        var attributes = new Option<string[]>("--attribute")
            { AllowMultipleArgumentsPerToken = true, Description = "NAME=COLUMN: an attribute, and the column that has it." };
        var list = new Option<string?>("--list")
            { Description = "The list that the rows are on: a tag of the rules with \"manual: true\"." };
        var remove = new Option<bool>("--remove") { Description = "The rows are on the list no longer." };
        var author = new Option<string>("--author") { DefaultValueFactory = _ => "import", Description = "Who answers for it." };
        var at = new Option<string?>("--at") { Description = "From when on it is so: a time; default now." };
        var topic = new Option<string?>("--topic") { Description = "Topic to publish to; made when missing." };
        var output = new Option<string?>("--output") { Description = "File of events (NDJSON) instead, for \"replay\" and \"produce\"." };
        var command = new Command("import", "Publishes lists (--list) and attributes (--attribute) as events, so that whatever reads the "
            + "events again has them too.") { input, mapping, identifier, attributes, list, remove, author, at, topic, output };
        servers.AddTo(command, kafka: true);
        command.Runs(async (parsed, cancel) =>
        {
            var files = parsed.GetValue(input)!;
            if (Array.Find(files, f => !File.Exists(f)) is { } missing)
                throw new FileNotFoundException($"--input: there is no file {missing}.", missing);
            var atMs = Times.Parse(parsed.GetValue(at), "--at", Times.Shanghai) ?? TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
            var plan = new ImportPlan(parsed.GetValue(list), parsed.GetValue(remove), parsed.GetValue(author)!, atMs);
            var rows = MappingOf(plan, files, parsed.GetValue(mapping), parsed.GetValue(identifier), parsed.GetValue(attributes) ?? []);
            if (parsed.GetValue(topic) is null == parsed.GetValue(output) is null)
                throw new SettingsException("Give one of --topic NAME and --output FILE.");
            return parsed.GetValue(output) is { } file
                ? WriteFile(files, rows, file) : await PublishAsync(servers.Load(parsed), files, rows, parsed.GetValue(topic)!, cancel);
        });
        return command;
    }

    private static RowMapping MappingOf(ImportPlan plan, string[] files, string? mapping, string? identifier, string[] attributes)
    {
        var pairs = attributes.Select(a => a.Split('=', 2) is [{ Length: > 0 } name, { Length: > 0 } column]
            ? (name, column) : throw new SettingsException($"--attribute '{a}': give NAME=COLUMN.")).ToList();
        if (plan.List is null && plan.IsRemoval) throw new SettingsException("--remove goes with --list.");
        if (plan.List is not null && pairs.Count > 0)
            throw new SettingsException("A list and attributes are two imports: give --list or --attribute.");
        if (mapping is null == identifier is null)
            throw new SettingsException("Give one of --mapping FILE and --identifier KIND:SCOPE:COLUMN.");
        if (mapping is not null) return plan.ByFile(mapping).ToRowMapping();
        if (plan.List is null && pairs.Count == 0) throw new SettingsException("Give --list NAME, or --attribute NAME=COLUMN.");
        var isCsv = !files[0].Contains(".ndjson", StringComparison.Ordinal) && !files[0].Contains(".json", StringComparison.Ordinal);
        return plan.ByColumns(isCsv, identifier!, pairs).ToRowMapping();
    }

    private static int WriteFile(string[] files, RowMapping rows, string output)
    {
        var (events, refused) = ImportFile.Write(files, rows, new KafkaOptions().PublishRecordBytesMax, output, Warn);
        Console.WriteLine($"{events} events in {output}; {refused} rows refused");
        return refused == 0 ? Exits.Done : Exits.Failed;
    }

    private static async Task<int> PublishAsync(
        HostSettings settings, string[] files, RowMapping rows, string topic, CancellationToken cancel)
    {
        if (!settings.HasKafka) throw Exits.NoAddress("Kafka", "--kafka");
        var request = new ProduceRequest(topic, files, rows, 0, null, settings.Kafka.PublishRecordBytesMax);
        using var publisher = await KafkaPublisher.OpenAsync(settings.Kafka);
        var result = await new ProduceJob(request, publisher, rejects: null, TimeProvider.System, Warn).RunAsync(cancel);
        Console.WriteLine(result.ToText(topic));
        return result.Refused == 0 ? Exits.Done : Exits.Failed;
    }

    private static void Warn(string text) => Console.Error.WriteLine($"scrmstream: {text}");
}
