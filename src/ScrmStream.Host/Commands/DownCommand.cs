using System.CommandLine;
using ScrmStream.Host.Servers;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream down</c>: ends what <c>up</c> started.</summary>
internal static class DownCommand
{
    public static Command Create()
    {
        var wipe = new Option<bool>("--wipe") { Description = "Also deletes what Redis and ClickHouse stored, and logs; schemas stay." };
        var command = new Command("down", "Ends the servers that \"up\" started, in order. Data of Redis and ClickHouse is kept; the "
            + "embedded Kafka's lives in memory and is gone.") { wipe };
        command.Runs((parsed, cancel) => RunAsync(parsed.GetValue(wipe), cancel));
        return command;
    }

    private static async Task<int> RunAsync(bool wipe, CancellationToken cancel)
    {
        var ended = await LocalStack.DownAsync(wipe, TimeProvider.System, cancel);
        if (ended.Count == 0) Console.WriteLine("Nothing was up.");
        foreach (var (name, inOrder) in ended)
            Console.WriteLine(inOrder ? $"{name} has ended." : $"{name} did not end when asked and was killed.");
        if (wipe) Console.WriteLine("What they stored is deleted.");
        return Exits.Done;
    }
}
