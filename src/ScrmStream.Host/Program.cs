using System.CommandLine;
using ScrmStream.Host.Commands;
using Spectre.Console;

namespace ScrmStream.Host;

/// <summary>The command line of ScrmStream.</summary>
public static class Program
{
    public static Task<int> Main(string[] arguments)
    {
        // Text in two languages comes out right whatever the terminal's locale says.
        Console.OutputEncoding = new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        if (Console.IsOutputRedirected) AnsiConsole.Console = PlainConsole();
        return Root().Parse(arguments).InvokeAsync();
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
            RunCommand.Create(), ProduceCommand.Create(), GenerateCommand.Create(), ReplayCommand.Create(),
            CustomerCommand.Create(), LeadsCommand.Create(), FunnelCommand.Create(), SqlCommand.Create(), DeadLettersCommand.Create(),
            RulesCommand.Create(),
            ClickHouseCommand.Create(), KafkaCommand.Create(),
        };
}
