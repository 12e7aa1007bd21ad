using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Servers;
using ScrmStream.Host.Settings;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream status</c>: what runs, where, and what it holds.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var servers = new ServerOptions();
        var format = FormatOption.Of(FormatOption.Json);
        var command = new Command("status",
            "Shows each server: its address, whether it answers, its version and what the namespace has stored there. Exit code "
            + "3 when one does not answer.") { format };
        servers.AddTo(command, kafka: true, redis: true, clickHouse: true);
        command.Runs((parsed, cancel) => RunAsync(servers.Load(parsed), parsed.GetValue(format) == FormatOption.Json, cancel));
        return command;
    }

    private static async Task<int> RunAsync(HostSettings settings, bool json, CancellationToken cancel)
    {
        var states = await ServerState.LookAsync(settings, cancel);
        if (json) Console.WriteLine(JsonSerializer.Serialize(new { settings.Namespace, servers = states }, ResultTable.Json));
        else Write(states);
        return states.All(s => s.Alive) ? Exits.Done : Exits.OutOfReach;
    }

    private static void Write(IReadOnlyList<ServerState> states)
    {
        var table = new ResultTable("server", "address", "alive", "version", "stored") { Wraps = ["stored"] };
        foreach (var state in states)
        {
            var stored = state.Stored.Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Key} {s.Value:N0}"));
            table.Add(state.Server, state.Address ?? "-", state.Alive ? "yes" : "no", state.Version ?? "-",
                string.Join(Console.IsOutputRedirected ? ", " : "\n", stored));
        }
        table.Write();
        foreach (var state in states.Where(s => !s.Alive)) Console.Error.WriteLine($"{state.Server}: {state.Problem}");
    }
}
