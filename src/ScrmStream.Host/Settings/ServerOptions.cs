using System.CommandLine;

namespace ScrmStream.Host.Settings;

/// <summary>The options every verb that talks to a server takes; one instance per command.</summary>
public sealed class ServerOptions
{
    public Option<string?> Config { get; } = new("--config")
        { Description = "Configuration file (JSON); docs/operations/configuration.md lists the settings." };
    public Option<string?> Namespace { get; } = new("--namespace")
        { Description = "Keeps stores apart: Redis keys, ClickHouse database, group, output topics." };
    public Option<string?> Kafka { get; } = new("--kafka") { Description = "Kafka's bootstrap servers, host:port[,host:port]." };
    public Option<string?> Redis { get; } = new("--redis") { Description = "Redis, host:port." };
    public Option<string?> ClickHouse { get; } = new("--clickhouse") { Description = "ClickHouse over HTTP, http(s)://host:port." };

    /// <summary>Adds the options to a command; servers it does not talk to are left out.</summary>
    public ServerOptions AddTo(Command command, bool kafka = false, bool redis = false, bool clickHouse = false)
    {
        if (kafka) command.Options.Add(Kafka);
        if (redis) command.Options.Add(Redis);
        if (clickHouse) command.Options.Add(ClickHouse);
        command.Options.Add(Namespace);
        command.Options.Add(Config);
        return this;
    }

    /// <summary>The settings, with what the command line gave on top.</summary>
    /// <param name="onTop">One more configuration file, which wins over all but the command line.</param>
    public HostSettings Load(
        ParseResult parsed, string? rules = null, string? group = null, string[]? topics = null, string? onTop = null) =>
        HostSettings.Load(
            parsed.GetValue(Config),
            new CommandLineValues(
                parsed.GetValue(Namespace), parsed.GetValue(Kafka), parsed.GetValue(Redis), parsed.GetValue(ClickHouse), rules, group,
                topics),
            onTop);
}
