using System.CommandLine;
using ScrmStream.ClickHouse.Embedded;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream clickhouse</c>: the embedded ClickHouse process.</summary>
internal static class ClickHouseCommand
{
    private static readonly Option<string> Path = new("--path")
        { Required = true, Description = "Folder of the data; made when missing." };
    private static readonly Option<int> Port = new("--port")
        { DefaultValueFactory = _ => 8123, Description = "TCP port; 0 takes a free one." };
    private static readonly Option<string> Address = new("--address")
        { DefaultValueFactory = _ => "127.0.0.1", Description = "Address to listen on." };
    private static readonly Option<string?> Library = new("--library")
        { Description = "libchdb.so; default $SCRM_CHDB or $SCRM_HOME/chdb/libchdb.so." };

    public static Command Create()
    {
        var command = new Command("clickhouse", "Runs the embedded ClickHouse behind ClickHouse's HTTP interface.")
            { Path, Port, Address, Library };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancel)
    {
        var options = new EmbeddedServerOptions
        {
            Path = arguments.GetValue(Path)!,
            Port = arguments.GetValue(Port),
            Address = arguments.GetValue(Address)!,
            LibraryPath = arguments.GetValue(Library),
            // Never on a command line, where every user of the machine can read it.
            Password = Environment.GetEnvironmentVariable("SCRM_CLICKHOUSE_PASSWORD"),
        };
        try
        {
            await EmbeddedServer.RunAsync(options, cancel, address => Console.WriteLine($"clickhouse listens on {address}"));
            return 0;
        }
        catch (EmbeddedServerException error)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return 3;
        }
    }
}
