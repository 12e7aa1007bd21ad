using System.CommandLine;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Host.Decisions;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Settings;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Redis;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream identities</c>: what identity set aside, and a way back; and what other limits would do.</summary>
internal static class IdentitiesCommand
{
    private const int LimitMax = 100_000;

    public static Command Create() => new("identities", "What identity set aside: links that a limit refused, and identifiers with so many "
        + "neighbours that they say nothing. And what other limits would change.")
        { Conflicts(), Quarantined(), Release(), IdentitiesSimulate.Create() };

    private static Command Conflicts()
    {
        var command = new Command("conflicts", "Lists the links that were refused because their union would break a limit, the latest "
            + "first. Reads every cell in Redis and holds the evidence of all in memory, about 400 bytes an identifier.");
        Lists(command, ConflictList.WriteAsync);
        return command;
    }

    private static Command Quarantined()
    {
        var command = new Command("quarantined", "Lists the identifiers with more neighbours than Pipeline:Identity:NeighboursMax, those "
            + "with the most first. Reads every cell in Redis.");
        Lists(command, CrowdedList.WriteAsync);
        return command;
    }

    private static void Lists(Command command, Func<RedisConnection, IdentityOptions, int, bool, CancellationToken, Task> write)
    {
        var servers = new ServerOptions();
        var limit = new Option<int>("--limit") { Description = $"How many, 1 to {LimitMax}.", DefaultValueFactory = _ => 100 };
        var format = FormatOption.TextOrJson();
        command.Options.Add(limit);
        command.Options.Add(format);
        servers.AddTo(command, redis: true);
        command.Runs(async (parsed, cancel) =>
        {
            var settings = servers.Load(parsed);
            var most = parsed.GetValue(limit);
            if (most is < 1 or > LimitMax) throw new SettingsException($"--limit {most}: give 1 to {LimitMax}.");
            if (!settings.HasRedis) throw Exits.NoAddress("Redis", "--redis");
            await using var redis = await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel);
            await write(redis, settings.Pipeline.Identity, most, parsed.GetValue(format) == FormatOption.Json, cancel);
            return Exits.Done;
        });
    }

    private static Command Release()
    {
        var servers = new ServerOptions();
        var who = WhyCommand.Who("who", "The identifier");
        var format = FormatOption.TextOrJson();
        var command = new Command("release", "Takes an identifier out of quarantine: publishes the event identity_release on the topic of "
            + "decisions, which the service applies. Exit code 1 when nobody is known by that name.") { who, format };
        var options = new DecisionOptions(TimeProvider.System).AddTo(command);
        servers.AddTo(command, kafka: true, redis: true);
        command.Runs(async (parsed, cancel) =>
        {
            var settings = servers.Load(parsed);
            var decision = options.Read(parsed, Decision.Release, [], settings.Pipeline.Limits);
            return await ReleaseAsync(settings, parsed.GetValue(who)!, decision, parsed.GetValue(format) == FormatOption.Json, cancel);
        });
        return command;
    }

    // The event is attributed to the identifier like any other, so a mistyped one would make a customer.
    private static async Task<int> ReleaseAsync(HostSettings settings, string who, Decision decision, bool json, CancellationToken cancel)
    {
        var ids = CustomerReader.IdsOf(who, settings.Pipeline.Identity);
        if (!settings.HasRedis) throw Exits.NoAddress("Redis", "--redis");
        if (!settings.HasKafka) throw Exits.NoAddress("Kafka", "--kafka");
        await using var redis = await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel);
        if ((await new RedisCellStore(redis).LoadAsync([.. ids], cancel)).FirstOrDefault(c => c.Cell is not null).Cell is not { } cell)
        {
            Console.Error.WriteLine($"scrmstream: no event with {who} was accepted: kind, scope and value have to be as events name them.");
            return Exits.Failed;
        }
        decision = decision with { Identifiers = [Encoding.UTF8.GetString(new CellEvidence(cell).Text)] };
        await DecisionTopic.PublishAsync(settings, decision, cancel);
        DecisionTopic.Say(settings, decision, json);
        return Exits.Done;
    }
}
