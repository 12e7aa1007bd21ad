using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.ClickHouse;
using ScrmStream.Events.Avro;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka.Schemas;
using ScrmStream.Pipeline;
using ScrmStream.Redis;
using ScrmStream.Redis.Embedded;
using ScrmStream.Rules;

namespace ScrmStream.Host.Servers;

/// <summary>How grave a finding is.</summary>
public enum Verdict : byte { Ok, Problem, OutOfReach }

/// <summary>One line of <c>doctor</c>.</summary>
/// <param name="Detail">What was found; of a problem, with the fix.</param>
public sealed record Finding(string Part, Verdict Verdict, string Detail);

/// <summary>Looks at every part that a run needs, in the order in which it needs them, and says what is wrong and how to mend it.</summary>
public sealed class Examination(HostSettings settings)
{
    private static readonly TimeSpan KafkaTimeout = TimeSpan.FromSeconds(5), RegistryTimeout = TimeSpan.FromSeconds(5);

    private readonly List<Finding> _findings = [];

    /// <summary>Checks everything; a part that fails does not hide the others.</summary>
    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancel)
    {
        Ok(".NET runtime", $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.RuntimeIdentifier}, "
            + $"{Environment.ProcessorCount} processors");
        LookAtLibraries();
        LookAtRules();
        await GuardAsync("Kafka", settings.HasKafka, "--kafka", () => LookAtKafkaAsync(cancel));
        if (settings.Schemas.Registry.Length > 0) await GuardAsync("schema registry", true, "", () => LookAtRegistryAsync(cancel));
        if (settings.Schemas.Folder is { Length: > 0 } folder) LookAtSchemas(folder);
        await GuardAsync("Redis", settings.HasRedis, "--redis", () => LookAtRedisAsync(cancel));
        await GuardAsync("ClickHouse", settings.HasClickHouse, "--clickhouse http://", () => LookAtClickHouseAsync(cancel));
        return _findings;
    }

    private void Ok(string part, string detail) => _findings.Add(new Finding(part, Verdict.Ok, detail));

    private void Problem(string part, string detail) => _findings.Add(new Finding(part, Verdict.Problem, detail));

    private async Task GuardAsync(string part, bool hasAddress, string option, Func<Task> look)
    {
        if (!hasAddress)
        {
            _findings.Add(new Finding(part, Verdict.OutOfReach,
                $"no address is known: run ./scrm up to start one on this machine, or give {option}HOST:PORT"));
            return;
        }
        try
        {
            await look();
        }
        catch (StoreUnavailableException e)
        {
            _findings.Add(new Finding(part, Verdict.OutOfReach, e.Message));
        }
        catch (Exception e) when (e is ArgumentException or ClickHouseException)
        {
            Problem(part, e.Message);
        }
    }

    private void LookAtLibraries()
    {
        try
        {
            Ok("librdkafka", KafkaProbe.ClientVersion);
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException or InvalidOperationException)
        {
            Problem("librdkafka", $"cannot be loaded ({e.Message}): run ./scrm setup");
        }
        if (EmbeddedRedis.FindServer() is { } server) Ok("redis-server", server);
        else Problem("redis-server",
            "is not installed; \"up\" and \"demo\" need it: run ./scrm setup (Debian: apt-get install redis-server)");
        var library = Environment.GetEnvironmentVariable("SCRM_CHDB") ?? Path.Combine(LocalServers.Home, "chdb", "libchdb.so");
        if (File.Exists(library)) Ok("libchdb.so", library);
        else Problem("libchdb.so", $"is not at {library}; the embedded ClickHouse needs it: run ./scrm setup, or set SCRM_CHDB");
    }

    private void LookAtRules()
    {
        if (settings.Rules is not { } file) return;
        try
        {
            var rules = RuleSet.Load(file);
            Ok("rules", $"{file}: {rules.Tags.Count} tags, {rules.Scores.Count} scores");
        }
        catch (RuleFileException e)
        {
            Problem("rules", e.Message);
        }
    }

    private async Task LookAtKafkaAsync(CancellationToken cancel)
    {
        var topics = await KafkaProbe.LookAsync(settings.Kafka, KafkaTimeout, cancel);
        Ok("Kafka", $"{settings.Kafka.BootstrapServers} answers, {topics.Count} topics");
        foreach (var topic in settings.Kafka.Topics.Where(t => !t.StartsWith('^')))
        {
            if (topics.FirstOrDefault(t => t.Topic == topic) is { } found) Ok("Kafka topic", $"{topic} has {found.Partitions} partitions");
            else Problem("Kafka topic", $"{topic} is not there: create it (./scrm produce --topic {topic} does), or correct Kafka:Topics");
        }
        string[] outputs =
        [
            settings.Kafka.DeadLetterTopic, settings.Kafka.IdentityChangesTopic, settings.Kafka.TagChangesTopic,
            settings.Kafka.ScoreChangesTopic, settings.Kafka.StageChangesTopic, settings.Kafka.ActionsTopic,
        ];
        foreach (var output in outputs.Where(t => t.Length > 0))
            Ok("Kafka topic", $"{output} {(topics.Any(t => t.Topic == output) ? "is there" : "is made by the first run")}");
        var decisions = topics.Any(t => t.Topic == settings.Kafka.DecisionTopic) ? "is there" : "is made by the first unlink";
        Ok("Kafka topic", $"{settings.Kafka.DecisionTopic} {decisions}");
    }

    private void LookAtSchemas(string folder)
    {
        var files = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.avsc").Length : 0;
        Ok("schemas", $"{folder} has {files}");
    }

    // Any answer of a registry will do, also that it has no schema of that number.
    private async Task LookAtRegistryAsync(CancellationToken cancel)
    {
        using var registry = new SchemaRegistry(settings.Schemas, TimeProvider.System, NullLogger.Instance);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(RegistryTimeout);
        try
        {
            await registry.FindAsync(SchemaRef.OfId(1), limit.Token);
            Ok("schema registry", $"{settings.Schemas.Registry} answers");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new StoreUnavailableException(
                $"{settings.Schemas.Registry} does not answer as a schema registry: check Schemas:Registry");
        }
    }

    private async Task LookAtRedisAsync(CancellationToken cancel)
    {
        var version = await RedisProbe.VersionAsync(settings.Redis, cancel);
        await using var connection = await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel);
        var findings = await new RedisServerCheck(connection).RunAsync(cancel);
        Ok("Redis", $"{settings.Redis.Address} answers, version {version}, state format {RedisServerCheck.StateFormat}");
        foreach (var finding in findings) Problem("Redis setting", $"{finding} Until then delivery is at least once.");
        if (findings.Count == 0) Ok("Redis settings", "keep what was acknowledged (appendonly, appendfsync always, noeviction)");
    }

    private async Task LookAtClickHouseAsync(CancellationToken cancel)
    {
        settings.ClickHouse.ReachTimeoutMs = Math.Min(settings.ClickHouse.ReachTimeoutMs, 3_000);
        var state = await ClickHouseProbe.LookAsync(settings.ClickHouse, cancel);
        Ok("ClickHouse", $"{settings.ClickHouse.Address} answers, version {state.Version}");
        var database = settings.ClickHouse.Database;
        var wanted = ClickHouseMigrations.All.Select(m => m.Number).ToList();
        var newer = state.AppliedSchema.Except(wanted).ToList();
        if (newer.Count > 0) Problem("ClickHouse schema",
            $"database {database} has schema {newer[^1]:0000}, newer than this build: run the newer build, or use another --namespace");
        else if (state.AppliedSchema.Count == 0) Ok("ClickHouse schema", $"database {database} is empty; the first run creates its tables");
        else if (wanted.Except(state.AppliedSchema).ToList() is { Count: > 0 } missing)
            Problem("ClickHouse schema",
                $"database {database} lacks schema {missing[0]:0000}: run \"./scrm run\" once with a user who may create tables");
        else Ok("ClickHouse schema", $"database {database} has schema {wanted[^1]:0000}, the latest");
    }
}
