using System.CommandLine;
using System.Text.Json;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Settings;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream why</c>: why two identifiers are one customer, or the rule that keeps them apart.</summary>
internal static class WhyCommand
{
    // The answer does not need ClickHouse: it is not waited for as long as a query of analysts would be.
    private const int ReachTimeoutMsMax = 3_000;

    public static Command Create()
    {
        var servers = new ServerOptions();
        var (a, b) = (Who("a", "One identifier"), Who("b", "Another"));
        var format = FormatOption.TextOrJson();
        var command = new Command("why", "Says why two identifiers are one customer: the links that make it one, each with the event that "
            + "showed it. Or why they are not: the rule that cut the link. Exit code 1 when they are not one customer.") { a, b, format };
        servers.AddTo(command, redis: true, clickHouse: true);
        command.Runs((parsed, cancel) => RunAsync(
            servers.Load(parsed), parsed.GetValue(a)!, parsed.GetValue(b)!, parsed.GetValue(format) == FormatOption.Json, cancel));
        return command;
    }

    /// <summary>An argument that names an identifier.</summary>
    internal static Argument<string> Who(string name, string which) =>
        new(name) { Description = $"{which}: KIND:SCOPE:VALUE, for example phone::+8613912345678, or its id (32 hex digits)." };

    /// <summary>The client for event names; null where no ClickHouse is known.</summary>
    internal static ClickHouseClient? Events(HostSettings settings)
    {
        if (!settings.HasClickHouse) return null;
        settings.ClickHouse.ReachTimeoutMs = Math.Min(settings.ClickHouse.ReachTimeoutMs, ReachTimeoutMsMax);
        return new ClickHouseClient(settings.ClickHouse);
    }

    private static async Task<int> RunAsync(HostSettings settings, string a, string b, bool json, CancellationToken cancel)
    {
        var pair = await IdentityPair.ReadAsync(settings, a, b, cancel);
        using var clickHouse = Events(settings);
        var answer = await WhyAnswer.OfAsync(pair, clickHouse, text => Console.Error.WriteLine($"scrmstream: {text}"), cancel);
        if (json) Console.WriteLine(JsonSerializer.Serialize(answer, ResultTable.Json));
        else WhyText.Write(answer, Console.Out);
        return answer.OneCustomer ? Exits.Done : Exits.Failed;
    }
}
