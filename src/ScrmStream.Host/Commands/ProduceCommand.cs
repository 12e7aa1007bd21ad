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
            AllowMultipleArgumentsPerToken = true, Description = "Files to publish: one record a line, .gz is unpacked; or Avro files.",
        };
        var query = new Option<string?>("--query")
            { Description = "ClickHouse SQL instead of files: each row is an NDJSON object for the mapping. Needs ClickHouse." };
        var resume = new Option<string?>("--resume")
            { Description = "Name of this production: when it was stopped, the same command goes on; each row is published once." };
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
            topic, input, query, mapping, rate, partitions, key, rejects, resume, format, framing,
        };
        servers.AddTo(command, kafka: true, clickHouse: true);
        command.Runs((parsed, cancel) => ClickHouseErrors.GuardAsync(async () =>
        {
            var settings = servers.Load(parsed);
            if (!settings.HasKafka) throw Exits.NoAddress("Kafka", "--kafka");
            if (parsed.GetValue(partitions) is { } count) settings.Kafka.NewTopicPartitions = count;
            var map = parsed.GetValue(mapping) is { } file ? MappingFile.Load(file).ToRowMapping() : null;
            var (files, sql) = (Inputs(parsed.GetValue(input)!), parsed.GetValue(query));
            if (files.Length > 0 == sql is not null) throw new SettingsException("Give one of --input FILE and --query SQL.");
            using var rows = sql is null ? null : await QueryRows.ReadAsync(settings, sql, cancel);
            var request = new ProduceRequest(
                parsed.GetValue(topic)!, rows is null ? files : [rows.Path], map,
                NotNegative(parsed.GetValue(rate), "--rate"), KindOf(parsed.GetValue(key)), settings.Kafka.PublishRecordBytesMax,
                Avro(settings, rowsToo: parsed.GetValue(format)!.Contains("avro"), parsed.GetValue(framing)!));
            using var notes = parsed.GetValue(resume) is { } name
                ? await NotesAsync(settings, name, Name(request, sql, parsed.GetValue(mapping)), cancel)
                : null;
            var json = parsed.GetValue(format)!.Contains("json");
            return await RunAsync(request, settings.Kafka, notes, parsed.GetValue(rejects), json, cancel);
        }));
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

    private static Task<ProduceNotes> NotesAsync(HostSettings settings, string name, string inputs, CancellationToken cancel)
    {
        if (name.Length is 0 or > 60 || name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')))
            throw new SettingsException($"--resume '{name}': use up to 60 letters, digits, -, _ and .");
        var topic = settings.Namespace.Length == 0 ? "scrm.productions" : $"scrm.{settings.Namespace}.productions";
        return ProduceNotes.OpenAsync(settings.Kafka, topic, name, inputs, cancel);
    }

    // What a production reads, so that its name is not given to another: names and sizes, not content, which would have to be read.
    private static string Name(ProduceRequest request, string? sql, string? mapping)
    {
        var inputs = sql is not null
            ? $"query {Hash(Encoding.UTF8.GetBytes(sql))}"
            : string.Join(", ", request.Inputs.Select(i => $"{Path.GetFileName(i)} of {new FileInfo(i).Length} bytes"));
        var format = request.Avro is { RowsToo: true } ? " as Avro" : "";
        return $"{inputs} to {request.Topic}{format}" + (mapping is null ? "" : $" by mapping {Hash(File.ReadAllBytes(mapping))}");
    }

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes))[..12];

    private static async Task<int> RunAsync(
        ProduceRequest request, KafkaOptions kafka, ProduceNotes? notes, string? rejectsFile, bool json, CancellationToken cancel)
    {
        using var rejects = rejectsFile is null ? null : Rejects(rejectsFile, isContinued: notes?.Last.Refused > 0);
        using var publisher = notes is null ? await KafkaPublisher.OpenAsync(kafka) : null;
        if (notes?.Last is { IsDone: true }) Console.Error.WriteLine("scrmstream: this production is done; nothing is published again");
        else if (notes?.Last is { Records: > 0 } last) Console.Error.WriteLine($"scrmstream: goes on behind {last.Records} records");
        var job = new ProduceJob(
            request, publisher, rejects, TimeProvider.System, text => Console.Error.WriteLine($"scrmstream: {text}"), notes);
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

    private static FileDeadLetterSink Rejects(string path, bool isContinued)
    {
        try
        {
            return new FileDeadLetterSink(path, isContinued);
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
