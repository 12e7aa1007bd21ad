using System.CommandLine;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Host.Generation;
using ScrmStream.Host.Mapping;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;
using ScrmStream.Pipeline.Files;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream produce</c>: files to a topic.</summary>
public static class ProduceCommand
{
    public static Command Create()
    {
        var servers = new ServerOptions();
        var topic = new Option<string>("--topic") { Required = true, Description = "Topic to publish to; made when missing." };
        var input = new Option<string[]>("--input")
        {
            Required = true, AllowMultipleArgumentsPerToken = true,
            Description = "Files to publish: one record a line, .gz is unpacked; or Avro files.",
        };
        var mapping = new Option<string?>("--mapping")
        {
            Description = "Mapping (YAML) from CSV or NDJSON to canonical events; schemas/mappings has some.",
        };
        var rate = new Option<int>("--rate") { Description = "Records per second; 0 is as fast as it goes." };
        var partitions = new Option<int?>("--partitions") { Description = "Partitions of the topic when it has to be made; default 4." };
        var key = new Option<string?>("--key")
        {
            Description = "Kind of identifier whose value is the record's key; default the first one named.",
        };
        var rejects = new Option<string?>("--rejects") { Description = "File (NDJSON) for the rows that cannot be mapped." };
        var format = new Option<string[]>("--format")
        {
            Description = "avro: publishes every event as Avro of the canonical schema. text (default) or json: of the last line. "
                + "May be given twice.",
        };
        format.AcceptOnlyFromAmong("text", "json", "avro");
        var framing = new Option<string>("--framing")
        {
            DefaultValueFactory = _ => "single-object",
            Description = "How Avro records name their schema: single-object (fingerprint), or registry (number, from Schemas:Folder).",
        };
        framing.AcceptOnlyFromAmong("single-object", "registry");
        var command = new Command("produce", "Publishes files of events to a topic, unchanged or through a mapping.")
        {
            topic, input, mapping, rate, partitions, key, rejects, format, framing,
        };
        servers.AddTo(command, kafka: true);
        command.Runs(async (parsed, cancel) =>
        {
            var settings = servers.Load(parsed);
            if (!settings.HasKafka) throw Exits.NoAddress("Kafka", "--kafka");
            if (parsed.GetValue(partitions) is { } count) settings.Kafka.NewTopicPartitions = count;
            var map = parsed.GetValue(mapping) is { } file ? MappingFile.Load(file).ToRowMapping() : null;
            var request = new ProduceRequest(
                parsed.GetValue(topic)!, Inputs(parsed.GetValue(input)!), map,
                NotNegative(parsed.GetValue(rate), "--rate"), KindOf(parsed.GetValue(key)), settings.Kafka.PublishRecordBytesMax,
                Avro(settings, rowsToo: parsed.GetValue(format)!.Contains("avro"), parsed.GetValue(framing)!));
            return await RunAsync(request, settings.Kafka, parsed.GetValue(rejects), parsed.GetValue(format)!.Contains("json"), cancel);
        });
        return command;
    }

    private static AvroProduction Avro(HostSettings settings, bool rowsToo, string framing)
    {
        var limits = settings.Pipeline.Limits;
        var schemas = new SchemaCatalog(limits);
        if (framing == "single-object") return new AvroProduction(limits, schemas, AvroProduction.SingleObjectFrame(schemas), rowsToo);
        if (settings.Schemas.Folder.Length == 0)
            throw new SettingsException("--framing registry takes the schema's number from a folder: set Schemas:Folder, for run too.");
        var number = new FolderSchemas(settings.Schemas.Folder).NumberOf(SchemaCatalog.CanonicalText);
        return new AvroProduction(limits, schemas, AvroProduction.RegistryFrame(number), rowsToo);
    }

    private static async Task<int> RunAsync(
        ProduceRequest request, KafkaOptions kafka, string? rejectsFile, bool json, CancellationToken cancel)
    {
        using var rejects = rejectsFile is null ? null : Rejects(rejectsFile);
        using var publisher = await KafkaPublisher.OpenAsync(kafka);
        var job = new ProduceJob(request, publisher, rejects, TimeProvider.System, text => Console.Error.WriteLine($"scrmstream: {text}"));
        try
        {
            var result = await job.RunAsync(cancel);
            Console.WriteLine(json ? result.ToJson() : result.ToText(request.Topic));
            return result.Refused == 0 ? Exits.Done : Exits.Failed;
        }
        catch (InvalidDataException e)
        {
            Console.Error.WriteLine($"scrmstream: {e.Message}");
            return Exits.Failed;
        }
    }

    private static FileDeadLetterSink Rejects(string path)
    {
        try
        {
            return new FileDeadLetterSink(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"--rejects {path} cannot be written: {e.Message}");
        }
    }

    private static string[] Inputs(string[] paths)
    {
        var missing = Array.Find(paths, path => !File.Exists(path));
        return missing is null ? paths : throw new FileNotFoundException($"--input: there is no file {missing}.", missing);
    }

    private static int NotNegative(int value, string option) =>
        value >= 0 ? value : throw new SettingsException($"{option} {value}: give a number that is not negative.");

    private static IdentifierKind? KindOf(string? word)
    {
        if (word is null) return null;
        if (IdentifierKinds.TryParse(Encoding.UTF8.GetBytes(word), out var kind)) return kind;
        var known = string.Join(", ", Enum.GetValues<IdentifierKind>().Select(k => k.Word()));
        throw new SettingsException($"--key '{word}': use one of {known}.");
    }
}
