using System.CommandLine;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Demo;
using ScrmStream.Host.Generation;
using ScrmStream.Host.Running;
using ScrmStream.Host.Servers;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;
using Spectre.Console;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream demo</c>: the main job on this machine, everything embedded.</summary>
public static class DemoCommand
{
    private const string RulesFile = "petshop.yaml";

    // The embedded Kafka lets the next member of the group in when the session of the last is over: whoever goes on after --keep.
    private const int SessionTimeoutMs = 6_000;

    public static Command Create()
    {
        var events = new Option<int>("--events") { Description = "Events of the story.", DefaultValueFactory = _ => 100_000 };
        var seed = new Option<int>("--seed") { Description = "Another seed, other people.", DefaultValueFactory = _ => 1 };
        var keep = new Option<bool>("--keep") { Description = "Leave the servers and what they hold running (./scrm down ends them)." };
        var command = new Command(
            "demo", "Tells a pet shop's campaign from raw touchpoints to tags, scores and a funnel, and checks every figure.")
            { events, seed, keep };
        command.Runs((parsed, cancel) =>
        {
            var options = new PetShopOptions { Events = parsed.GetValue(events), Seed = parsed.GetValue(seed), HasFarAheadEvents = true };
            options.Validate();
            return RunAsync(options, parsed.GetValue(keep), cancel);
        });
        return command;
    }

    private static async Task<int> RunAsync(PetShopOptions options, bool keep, CancellationToken cancel)
    {
        AnsiConsole.MarkupLine("Starting Kafka, Redis and ClickHouse on this machine, on loopback ports ...");
        if (keep)
        {
            var (servers, _) = await LocalStack.UpAsync(new StackOptions(), TimeProvider.System, cancel);
            return await TellAsync(options, servers, await FreeNamespaceAsync(servers, cancel), keep, cancel);
        }
        var parts = new StackOptions { KafkaTopics = ["petshop"], KafkaPartitions = 16 };
        await using var stack = await LocalStack.StartPrivateAsync(parts, TimeProvider.System, cancel);
        return await TellAsync(options, stack.Servers, "", keep, cancel);
    }

    private static async Task<int> TellAsync(PetShopOptions options, LocalServers servers, string name, bool keep, CancellationToken cancel)
    {
        var rulesFile = Path.Combine(AppContext.BaseDirectory, RulesFile);
        var given = new CommandLineValues(name, servers.Kafka, servers.Redis, servers.ClickHouse, rulesFile, null, [TopicOf(name)]);
        var (settings, rules) = (HostSettings.Load(null, given), RuleText.Read(rulesFile));
        settings.Kafka.SessionTimeoutMs = SessionTimeoutMs;
        bool holds;
        await using (var stage = await DemoStage.OpenAsync(settings, rules, NullLoggerFactory.Instance, TimeProvider.System, cancel))
            holds = await new DemoStory(stage, new PetShopGenerator(options), TimeProvider.System).TellAsync(cancel);
        SayWhereNext(name, keep);
        return holds ? Exits.Done : Exits.Failed;
    }

    // A demo counts what it finds, so each kept one has stores of its own: the first those without a name, which no verb need be told.
    private static async Task<string> FreeNamespaceAsync(LocalServers servers, CancellationToken cancel)
    {
        using var client = new ClickHouseClient(new ClickHouseOptions { Address = servers.ClickHouse, Database = "default" });
        using var topics = KafkaTopics.Connect(new KafkaOptions { BootstrapServers = servers.Kafka });
        var answer = await client.QueryAsync("SELECT name FROM system.databases", "TabSeparated", cancel);
        var taken = Encoding.UTF8.GetString(answer).Split('\n')
            .Concat((await topics.NamesAsync()).Select(t => t.Topic)).ToHashSet(StringComparer.Ordinal);
        return Enumerable.Range(0, 10_000).Select(n => n == 0 ? "" : $"demo{n}")
            .First(name => !taken.Contains(HostSettings.DatabaseOf(name)) && !taken.Contains(TopicOf(name)));
    }

    private static string TopicOf(string name) => name.Length == 0 ? "petshop" : $"petshop_{name}";

    private static string Heroine(string kind) =>
        PetShopGenerator.HeroineIdentifiers.First(i => i.StartsWith(kind, StringComparison.Ordinal));

    private static void SayWhereNext(string name, bool keep)
    {
        AnsiConsole.WriteLine();
        if (keep)
        {
            var (phone, cookie, at) = (Heroine("phone"), Heroine("cookie"), name.Length == 0 ? "" : $" --namespace {name}");
            Console.WriteLine($"""
                Everything is still running. Try:
                  ./scrm customer {phone}{at}
                  ./scrm why {phone} {cookie}{at}      (and undo it: docs/tutorials/why-and-unlink.md)
                  ./scrm leads{at}
                  ./scrm funnel 'product_view > add_to_cart > order_paid' --window 7d --by channel{at}
                  ./scrm funnel --stages --by channel{at}
                  ./scrm sql "SELECT event, count() FROM events GROUP BY event ORDER BY 2 DESC"{at}
                  ./scrm down --wipe
                """);
            return;
        }
        Console.WriteLine("""
            Nothing is left running. Next:
              ./scrm demo --keep           the same, left running to look around in
              ./scrm up                    servers of your own, then ./scrm produce and ./scrm run
              docs/rules.md                write your own tags and scores
              schemas/redis/README.md      read them from C#, Python, JavaScript and redis-cli
            """);
    }
}
