using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Running;
using ScrmStream.Host.Servers;
using ScrmStream.Host.Settings;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream status</c>: what runs, where, and what it holds.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var servers = new ServerOptions();
        var format = FormatOption.Of(FormatOption.Json);
        var health = new Option<int?>("--health-port")
            { Description = "That of a \"run\" on this machine, which it prints at its start: its books are shown too." };
        var command = new Command("status",
            "Shows each server: its address, whether it answers, its version and what the namespace has stored there; and the books of a "
            + "running process. Exit code 3 when one does not answer, 1 when the books do not balance.") { health, format };
        servers.AddTo(command, kafka: true, redis: true, clickHouse: true);
        command.Runs((parsed, cancel) => RunAsync(
            servers.Load(parsed), parsed.GetValue(health), parsed.GetValue(format) == FormatOption.Json, cancel));
        return command;
    }

    private static async Task<int> RunAsync(HostSettings settings, int? healthPort, bool json, CancellationToken cancel)
    {
        var states = await ServerState.LookAsync(settings, cancel);
        var port = healthPort ?? settings.HealthPort;
        var books = port > 0 ? await RunningBooks.AskAsync(port, cancel) : null;
        if (healthPort is not null && books is null)
            throw new StoreUnavailableException(
                $"--health-port {healthPort}: no \"run\" of this version answers there; it prints its port.");
        if (json) Console.WriteLine(JsonSerializer.Serialize(new { settings.Namespace, servers = states, books }, ResultTable.Json));
        else Write(states, books);
        if (!states.All(s => s.Alive)) return Exits.OutOfReach;
        return books is null or { Difference: 0 } ? Exits.Done : Exits.Failed;
    }

    private static void Write(IReadOnlyList<ServerState> states, RunningBooks? books)
    {
        var table = new ResultTable("server", "address", "alive", "version", "stored") { Wraps = ["stored"] };
        foreach (var state in states)
        {
            var stored = state.Stored.Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Key} {s.Value:N0}"));
            table.Add(state.Server, state.Address ?? "-", state.Alive ? "yes" : "no", state.Version ?? "-",
                string.Join(Console.IsOutputRedirected ? ", " : "\n", stored));
        }
        table.Write();
        if (books is not null) Write(books);
        foreach (var state in states.Where(s => !s.Alive)) Console.Error.WriteLine($"{state.Server}: {state.Problem}");
    }

    private static void Write(RunningBooks books)
    {
        string[] columns = ["stage", "unit", "in", "out", "rejected", "pending"];
        var table = new ResultTable(columns) { Numbers = columns[2..] };
        foreach (var line in books.Stages)
            table.Add(line.Stage, line.Unit, Number(line.In), Number(line.Out), Number(line.Rejected), Number(line.Pending));
        table.Write();
        var rejected = string.Join(", ", books.Rejected.Select(r => $"{r.Key} {Number(r.Value)}"));
        Console.Error.WriteLine(
            $"rows written {Number(books.RowsWritten)}, letters written {Number(books.LettersWritten)}, of these again "
            + $"{Number(books.Repeated)}; rejected: {(rejected.Length > 0 ? rejected : "none")}");
        if (books.Difference != 0)
            Console.Error.WriteLine($"the books are off by {Number(books.Difference)}: an error of this program, please report it");
    }

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
