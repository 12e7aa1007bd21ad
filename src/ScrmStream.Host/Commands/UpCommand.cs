using System.CommandLine;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Servers;
using ScrmStream.Host.Settings;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream up</c>: local servers.</summary>
internal static class UpCommand
{
    public static Command Create()
    {
        var topics = new Option<string[]>("--kafka-topics")
        {
            Description = "Topics that Kafka has from the start; others come, with 4 partitions, when they are first named.",
            DefaultValueFactory = _ => ["events"],
            AllowMultipleArgumentsPerToken = true,
        };
        var partitions = new Option<int>("--kafka-partitions")
            { Description = "Partitions of these topics, 1 to 1000.", DefaultValueFactory = _ => 4 };
        var command = new Command("up",
            "Starts Kafka (embedded, in memory), Redis and ClickHouse (embedded) on free ports of this machine. They run on "
            + "in the background until \"down\"; every other verb finds them. Run again, it starts what has died.") { topics, partitions };
        command.Runs((parsed, cancel) => RunAsync(
            new StackOptions { KafkaTopics = parsed.GetValue(topics) ?? [], KafkaPartitions = parsed.GetValue(partitions) }, cancel));
        return command;
    }

    private static async Task<int> RunAsync(StackOptions options, CancellationToken cancel)
    {
        var (servers, started) = await LocalStack.UpAsync(options, TimeProvider.System, cancel);
        Console.Error.WriteLine(started.Count switch
        {
            0 => "Already up:",
            3 => "Started:",
            _ => $"Started {string.Join(" and ", started)}; the rest was up:",
        });
        var table = new ResultTable("server", "address", "process", "data") { Wraps = ["data"] };
        table.Add("Kafka", servers.Kafka, $"{servers.KafkaProcess.Pid}", "in memory");
        table.Add("Redis", servers.Redis, $"{servers.RedisProcess.Pid}", Path.Combine(LocalServers.Folder, "redis"));
        table.Add("ClickHouse", servers.ClickHouse, $"{servers.ClickHouseProcess.Pid}", Path.Combine(LocalServers.Folder, "clickhouse"));
        table.Write();
        Console.Error.WriteLine($"""
            Logs are in {LocalServers.Folder}. Next:
              ./scrm generate --topic events          makes events
              ./scrm run --topics events              turns them into customers
              ./scrm status                           what runs and what is stored
              ./scrm down                             ends the servers and keeps the data
            Schemas of Avro producers belong in {LocalServers.SchemaFolder}: 7.avsc is number 7.
            """);
        return Exits.Done;
    }
}
