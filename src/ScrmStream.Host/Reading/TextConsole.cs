using Spectre.Console;

namespace ScrmStream.Host.Reading;

/// <summary>Where texts for people go: standard output, with colours and its own width on a terminal, plain and wide elsewhere.</summary>
internal static class TextConsole
{
    private const int WidthElsewhere = 160;

    public static IAnsiConsole Out { get; } = Create();

    private static IAnsiConsole Create()
    {
        if (!Console.IsOutputRedirected) return AnsiConsole.Console;
        // Spectre looks at TERM alone, and would colour a file too.
        var plain = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });
        plain.Profile.Width = WidthElsewhere;
        return plain;
    }
}
