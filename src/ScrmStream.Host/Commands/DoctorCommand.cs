using System.CommandLine;
using System.Text.Json;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Servers;
using ScrmStream.Host.Settings;
using Spectre.Console;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream doctor</c>: what is wrong, and the fix.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var servers = new ServerOptions();
        var rules = new Option<string?>("--rules") { Description = "A rule file to check too." };
        var topics = new Option<string[]>("--topics") { Description = "Topics that have to exist.", AllowMultipleArgumentsPerToken = true };
        var format = FormatOption.Of(FormatOption.Json);
        var command = new Command("doctor",
            "Looks at the installation, every server, its settings and its schema, and names the fix for what is wrong. "
            + "Exit code 0: all is well, 1: a problem, 3: a server is out of reach.") { rules, topics, format };
        servers.AddTo(command, kafka: true, redis: true, clickHouse: true);
        command.Runs((parsed, cancel) => RunAsync(
            servers.Load(parsed, parsed.GetValue(rules), topics: parsed.GetValue(topics)),
            parsed.GetValue(format) == FormatOption.Json, cancel));
        return command;
    }

    private static async Task<int> RunAsync(HostSettings settings, bool json, CancellationToken cancel)
    {
        var findings = await new Examination(settings).RunAsync(cancel);
        if (json) Console.WriteLine(
            JsonSerializer.Serialize(findings.Select(f => new { f.Part, verdict = Word(f.Verdict), f.Detail }), ResultTable.Json));
        else Write(findings);
        return findings.Max(f => f.Verdict) switch
        {
            Verdict.Ok => Exits.Done,
            Verdict.Problem => Exits.Failed,
            _ => Exits.OutOfReach,
        };
    }

    private static void Write(IReadOnlyList<Finding> findings)
    {
        foreach (var (part, verdict, detail) in findings)
        {
            var word = Word(verdict);
            // A line stays a line: a detail is not wrapped, so that it can be searched for.
            if (Console.IsOutputRedirected) Console.WriteLine($"{word}\t{part}\t{detail}");
            else AnsiConsole.MarkupLine(
                $"[{(verdict == Verdict.Ok ? "green" : "red")}]{word,-12}[/] [bold]{Markup.Escape(part)}[/]: {Markup.Escape(detail)}");
        }
    }

    private static string Word(Verdict verdict) => verdict switch
    {
        Verdict.Ok => "ok",
        Verdict.Problem => "problem",
        _ => "out of reach",
    };
}
