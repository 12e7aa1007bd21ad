using System.CommandLine;
using ScrmStream.Host.Commands;

namespace ScrmStream.Host;

/// <summary>The command line of ScrmStream.</summary>
public static class Program
{
    public static Task<int> Main(string[] arguments) =>
        new RootCommand("ScrmStream: touchpoints from Kafka become customers with live tags and scores in Redis, and truthful funnels in ClickHouse.")
        {
            RunCommand.Create(), ReplayCommand.Create(), ClickHouseCommand.Create(),
        }.Parse(arguments).InvokeAsync();
}
