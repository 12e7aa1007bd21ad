using System.CommandLine;
using System.Text.Json;
using ScrmStream.Host.Decisions;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Settings;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream unlink</c>: takes the link between two identifiers away.</summary>
internal static class UnlinkCommand
{
    public static Command Create()
    {
        var servers = new ServerOptions();
        var (a, b) = (WhyCommand.Who("a", "One end of the link"), WhyCommand.Who("b", "The other end"));
        var format = FormatOption.TextOrJson();
        var command = new Command("unlink", "Takes the link between two identifiers away: publishes the event identity_unbind on the topic "
            + "of decisions, which the service applies. An event after it that names both links them again. Where there is no link "
            + "between the two, lists those on the way from one to the other and ends with code 1.") { a, b, format };
        var options = new DecisionOptions(TimeProvider.System).AddTo(command);
        servers.AddTo(command, kafka: true, redis: true, clickHouse: true);
        command.Runs(async (parsed, cancel) =>
        {
            var settings = servers.Load(parsed);
            // Wrong options are refused before a server is asked.
            var decision = options.Read(parsed, Decision.Unbind, [], settings.Pipeline.Limits);
            var pair = await IdentityPair.ReadAsync(settings, parsed.GetValue(a)!, parsed.GetValue(b)!, cancel);
            return await RunAsync(settings, pair, decision, parsed.GetValue(format) == FormatOption.Json, cancel);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        HostSettings settings, IdentityPair pair, Decision decision, bool json, CancellationToken cancel)
    {
        var edge = pair.AreKnown && pair.A != pair.B ? pair.Graph.Find(pair.A, pair.B) : -1;
        if (edge < 0) return await RefuseAsync(settings, pair, json, cancel);
        if (!settings.HasKafka) throw Exits.NoAddress("Kafka", "--kafka");
        var lastMs = pair.Graph.Edge(edge).LastMs;
        if (lastMs > decision.TimeMs)
            Console.Error.WriteLine($"scrmstream: an event at {TimeText.Show(lastMs)}, after the time given, names both: they stay linked "
                + "unless --at is later.");
        decision = decision with { Identifiers = [pair.NameA, pair.NameB] };
        await DecisionTopic.PublishAsync(settings, decision, cancel);
        DecisionTopic.Say(settings, decision, json);
        return Exits.Done;
    }

    private static async Task<int> RefuseAsync(HostSettings settings, IdentityPair pair, bool json, CancellationToken cancel)
    {
        using var clickHouse = WhyCommand.Events(settings);
        var answer = await WhyAnswer.OfAsync(pair, clickHouse, text => Console.Error.WriteLine($"scrmstream: {text}"), cancel);
        if (json) Console.WriteLine(JsonSerializer.Serialize(new { published = false, answer.Path, answer.Reason }, ResultTable.Json));
        else if (answer.Path.Count > 0) WhyText.WritePath(answer.Path, Console.Out);
        var what = answer.Path.Count > 0 ? "Name the two ends of one of the links on the way between them." : $"{answer.Reason}.";
        Console.Error.WriteLine($"scrmstream: there is no link between {pair.NameA} and {pair.NameB}. {what}");
        return Exits.Failed;
    }
}
