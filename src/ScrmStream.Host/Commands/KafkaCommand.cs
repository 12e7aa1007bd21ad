using System.CommandLine;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream kafka</c>: the process of the embedded broker. Hidden; <c>up</c> starts it.</summary>
internal static class KafkaCommand
{
    public static Command Create()
    {
        var state = new Option<string>("--state") { Required = true, Description = "File that gets the broker's address once it answers." };
        var topics = new Option<string[]>("--topic") { Description = "A topic that exists from the start." };
        var partitions = new Option<int>("--partitions") { DefaultValueFactory = _ => 4, Description = "Partitions of these topics." };
        var command = new Command("kafka", "Runs the embedded Kafka broker, all in memory, until it is told to end.")
            { state, topics, partitions };
        command.Hidden = true;
        command.Runs((parsed, cancel) =>
            RunAsync(parsed.GetValue(state)!, parsed.GetValue(topics) ?? [], parsed.GetValue(partitions), cancel));
        return command;
    }

    private static async Task<int> RunAsync(string state, string[] topics, int partitions, CancellationToken cancel)
    {
        using var broker = Start();
        foreach (var topic in topics) broker.CreateTopic(topic, partitions);
        // Moved into place, so that a reader never sees half an address.
        await File.WriteAllTextAsync(state + ".part", broker.BootstrapServers, CancellationToken.None);
        File.Move(state + ".part", state, overwrite: true);
        Console.WriteLine($"kafka listens on {broker.BootstrapServers}");
        await Task.Delay(Timeout.Infinite, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        File.Delete(state);
        return Exits.Done;
    }

    private static MockKafka Start()
    {
        try
        {
            return MockKafka.Start();
        }
        catch (Exception e) when (e is InvalidOperationException or DllNotFoundException)
        {
            throw new StoreUnavailableException($"{e.Message} Run ./scrm setup, or use a broker of your own with --kafka.", e);
        }
    }
}
