using System.Reflection;
using Microsoft.Extensions.Configuration;
using ScrmStream.ClickHouse;
using ScrmStream.Events.Avro;
using ScrmStream.Identity;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.Redis;

namespace ScrmStream.Host.Settings;

/// <summary>
/// Everything a verb can be told, from (later wins): what <c>up</c> started, the shipped appsettings.json, the file of <c>--config</c>,
/// environment variables that start with <c>SCRMSTREAM_</c> (<c>SCRMSTREAM_Redis__Password</c>), the command line. Frozen once loaded.
/// </summary>
public sealed class HostSettings
{
    /// <summary>
    /// Keeps stores apart: prefix of Redis keys, ClickHouse database, default group, output topics. Empty: the default one.
    /// </summary>
    public string Namespace { get; set; } = "";
    /// <summary>The rule file; null: no rules.</summary>
    public string? Rules { get; set; }
    /// <summary>Loopback port of <c>/healthz</c> and <c>/metrics</c>; 0: a free one, -1: none.</summary>
    public int HealthPort { get; set; }
    /// <summary>Seconds between two audits of the rules while <c>run</c> goes on: 1 to 604,800; 0: none.</summary>
    public int RuleAuditSeconds { get; set; }
    /// <summary>Seconds between two looks of <c>run</c> at its rule file, taken when it has changed: 1 to 3,600; 0: none.</summary>
    public int RuleFileSeconds { get; set; } = 1;

    /// <summary>False: a Redis that was emptied or rolled back is used as it is, and what it lacks is missing from then on.</summary>
    public bool RollbackCheck { get; set; } = true;
    public KafkaOptions Kafka { get; set; } = new();
    public RedisOptions Redis { get; set; } = new();
    public ClickHouseOptions ClickHouse { get; set; } = new();
    public SchemaOptions Schemas { get; set; } = new();
    public PipelineOptions Pipeline { get; set; } = new();

    /// <summary>Which servers have an address, by configuration, command line or <c>up</c>.</summary>
    public bool HasKafka { get; private set; }
    public bool HasRedis { get; private set; }
    public bool HasClickHouse { get; private set; }

    /// <param name="onTop">One more configuration file, which wins over all but the command line; null: none.</param>
    /// <exception cref="SettingsException">A file cannot be read, or a value is wrong; the message names it.</exception>
    public static HostSettings Load(string? configFile, CommandLineValues given, string? onTop = null)
    {
        var configuration = Read(configFile, onTop);
        var settings = new HostSettings();
        try
        {
            configuration.Bind(settings, options => options.ErrorOnUnknownConfiguration = false);
        }
        catch (InvalidOperationException e)
        {
            throw new SettingsException($"The configuration has a value of the wrong type: {e.Message}");
        }
        settings.ApplyNamespace(given.Namespace ?? settings.Namespace, configuration, given);
        settings.ApplyAddresses(configuration, given, LocalServers.Find());
        settings.Rules = given.Rules ?? settings.Rules;
        if (settings.RuleAuditSeconds is < 0 or > 604_800)
            throw new SettingsException($"RuleAuditSeconds {settings.RuleAuditSeconds}: give 1 to 604800, or 0 for none.");
        if (settings.RuleFileSeconds is < 0 or > 3_600)
            throw new SettingsException($"RuleFileSeconds {settings.RuleFileSeconds}: give 1 to 3600, or 0 for none.");
        CheckKinds(configuration.GetSection("Pipeline:Identity:Kinds"), settings.Pipeline.Identity);
        Validate(settings.Pipeline.Identity.Validate);
        Validate(settings.Schemas.Validate);
        return settings;
    }

    // The binder passes in silence over entries of a map that it cannot read, and a kind would then keep its default.
    private static void CheckKinds(IConfigurationSection kinds, IdentityOptions identity)
    {
        const string Form = "give an object with Class (a word), ValuesMax (a whole number) or PerScope (true or false)";
        const BindingFlags AnyCase = BindingFlags.IgnoreCase | BindingFlags.Instance | BindingFlags.Public;
        if (!string.IsNullOrEmpty(kinds.Value))
            throw new SettingsException($"{kinds.Path} '{kinds.Value}': give a map from kinds to objects.");
        foreach (var kind in kinds.GetChildren())
        {
            if (!string.IsNullOrEmpty(kind.Value) || !identity.Kinds.ContainsKey(kind.Key))
                throw new SettingsException($"{kind.Path} cannot be read: {Form}.");
            foreach (var setting in kind.GetChildren())
                if (typeof(KindOptions).GetProperty(setting.Key, AnyCase) is null)
                    throw new SettingsException($"{setting.Path}: there is no such setting; {Form}.");
        }
    }

    // Look-ups need the keys as much as "run" does, and a wrong one would find nobody.
    private static void Validate(Action validate)
    {
        try
        {
            validate();
        }
        catch (ArgumentException e)
        {
            throw new SettingsException(e.Message);
        }
    }

    private static IConfigurationRoot Read(string? configFile, string? onTop)
    {
        if (configFile is not null && !File.Exists(configFile))
            throw new SettingsException($"--config: there is no file {configFile}.");
        var builder = new ConfigurationBuilder().AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: true);
        if (configFile is not null) builder.AddJsonFile(Path.GetFullPath(configFile), optional: false);
        try
        {
            builder.AddEnvironmentVariables("SCRMSTREAM_");
            if (onTop is not null) builder.AddJsonFile(Path.GetFullPath(onTop), optional: false);
            return builder.Build();
        }
        catch (Exception e) when (e is FormatException or InvalidDataException)
        {
            throw new SettingsException($"--config {configFile}: {e.InnerException?.Message ?? e.Message}");
        }
    }

    /// <summary>The database of a namespace, unless the configuration names another; <c>scrm</c> of the one without a name.</summary>
    public static string DatabaseOf(string name) => name.Length == 0 ? "scrm" : $"scrm_{name}";

    private void ApplyNamespace(string name, IConfiguration configuration, CommandLineValues given)
    {
        if (name.Length > 40 || name.Any(c => c is not (>= 'a' and <= 'z' or >= '0' and <= '9' or '_')))
            throw new SettingsException($"--namespace '{name}': use up to 40 of a-z, 0-9 and _.");
        Namespace = name;
        Kafka.GroupId = given.Group ?? configuration["Kafka:GroupId"] ?? (name.Length == 0 ? "scrmstream" : $"scrmstream-{name}");
        if (name.Length == 0) return;
        Redis.Namespace = name;
        ClickHouse.Database = configuration["ClickHouse:Database"] ?? DatabaseOf(name);
        Kafka.DeadLetterTopic = configuration["Kafka:DeadLetterTopic"] ?? $"scrm.{name}.dead-letters";
        Kafka.IdentityChangesTopic = configuration["Kafka:IdentityChangesTopic"] ?? $"scrm.{name}.identity-changes";
        Kafka.TagChangesTopic = configuration["Kafka:TagChangesTopic"] ?? $"scrm.{name}.tag-changes";
        Kafka.ScoreChangesTopic = configuration["Kafka:ScoreChangesTopic"] ?? $"scrm.{name}.score-changes";
        Kafka.StageChangesTopic = configuration["Kafka:StageChangesTopic"] ?? $"scrm.{name}.stage-changes";
        Kafka.ActionsTopic = configuration["Kafka:ActionsTopic"] ?? $"scrm.{name}.actions";
        Kafka.DecisionTopic = configuration["Kafka:DecisionTopic"] ?? $"scrm.{name}.decisions";
    }

    private void ApplyAddresses(IConfiguration configuration, CommandLineValues given, LocalServers? local)
    {
        var kafka = given.Kafka ?? configuration["Kafka:BootstrapServers"] ?? local?.Kafka;
        var redis = given.Redis ?? configuration["Redis:Address"] ?? local?.Redis;
        var clickHouse = given.ClickHouse ?? configuration["ClickHouse:Address"] ?? local?.ClickHouse;
        (HasKafka, HasRedis, HasClickHouse) = (kafka is not null, redis is not null, clickHouse is not null);
        if (kafka is not null) Kafka.BootstrapServers = kafka;
        if (redis is not null) Redis.Address = redis;
        if (clickHouse is not null) ClickHouse.Address = clickHouse;
        if (given.Topics is { Length: > 0 } topics) Kafka.Topics = topics;
        // Beside the servers that "up" started, what "produce" registers is found by "run".
        if (local is not null && Schemas is { Folder: "", Registry: "" }) Schemas.Folder = LocalServers.SchemaFolder;
    }
}

/// <summary>What the command line said; null where it said nothing.</summary>
public sealed record CommandLineValues(
    string? Namespace = null, string? Kafka = null, string? Redis = null, string? ClickHouse = null,
    string? Rules = null, string? Group = null, string[]? Topics = null);

/// <summary>A wrong setting or file; the message says which and how to mend it. Exit code 2.</summary>
public sealed class SettingsException(string message) : Exception(message);
