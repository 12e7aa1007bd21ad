using System.CommandLine;
using System.CommandLine.Invocation;
using ScrmStream.Host.Commands;
using ScrmStream.Host.Running;
using Spectre.Console;

namespace ScrmStream.Host;

/// <summary>The command line of ScrmStream.</summary>
public static class Program
{
    // Longer than Pipeline:StopTimeout takes by default: what was read is flushed before the process ends.
    private static readonly TimeSpan TerminationTimeout = TimeSpan.FromSeconds(60);

    public static async Task<int> Main(string[] arguments)
    {
        SpareThreads.Provide();
        // Text in two languages comes out right whatever the terminal's locale says.
        Console.OutputEncoding = new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        if (Console.IsOutputRedirected) AnsiConsole.Console = PlainConsole();
        var parsed = Root().Parse(arguments);
        var code = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TerminationTimeout });
        return parsed.Action is ParseErrorAction ? Exits.Usage : code;
    }

    // A file or a pipe gets text alone: no colours, no wrapping at a width that nobody sees.
    private static IAnsiConsole PlainConsole()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });
        console.Profile.Width = 160;
        return console;
    }

    private static RootCommand Root() =>
        new("ScrmStream: touchpoints from Kafka become customers with live tags and scores in Redis, and truthful funnels in ClickHouse.")
        {
            DemoCommand.Create(),
            UpCommand.Create(), DownCommand.Create(), StatusCommand.Create(), DoctorCommand.Create(),
            RunCommand.Create(), ProduceCommand.Create(), ImportCommand.Create(), GenerateCommand.Create(), ReplayCommand.Create(),
            CustomerCommand.Create(), WhyCommand.Create(), UnlinkCommand.Create(), IdentitiesCommand.Create(),
            LeadsCommand.Create(), LedgerCommand.Create(), FunnelCommand.Create(), SqlCommand.Create(), DeadLettersCommand.Create(),
            RulesCommand.Create(), AuditCommand.Create(), RebuildCommand.Create(), QuantilesCommand.Create(),
            ClickHouseCommand.Create(), KafkaCommand.Create(),
        };
}
