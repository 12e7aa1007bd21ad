using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Auditing;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Running;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream audit</c>: is everything where it should be, once?</summary>
internal static class AuditCommand
{
    private const int SampleMax = 1_000_000;

    public static Command Create()
    {
        var servers = new ServerOptions();
        var sample = new Option<int>("--sample")
        {
            Description = "Customers whose view in Redis is compared with a fold of their events; 0: none.",
            DefaultValueFactory = _ => 1_000,
        };
        var seed = new Option<long>("--seed") { Description = "Draws the customers.", DefaultValueFactory = _ => 1 };
        var rules = new Option<string?>("--rules") { Description = "The rule file of \"run\"; without it that of the configuration." };
        var group = new Option<string?>("--group") { Description = "Kafka consumer group; default scrmstream[-NAMESPACE]." };
        var format = FormatOption.Of(FormatOption.Json);
        var command = new Command("audit", "Reads what the group has committed again from Kafka and looks for each event's row, or dead "
            + "letter, in ClickHouse; and compares customers in Redis with a fold of their events. A service may go on meanwhile. Give the "
            + "settings of \"run\". Exit code 1 when something is lost, doubled or different.")
            { sample, seed, rules, group, format };
        servers.AddTo(command, kafka: true, redis: true, clickHouse: true);
        command.Runs((parsed, cancel) => ClickHouseErrors.GuardAsync(() => RunAsync(
            servers.Load(parsed, parsed.GetValue(rules), parsed.GetValue(group)), parsed.GetValue(sample), parsed.GetValue(seed),
            parsed.GetValue(format) == FormatOption.Json, cancel)));
        return command;
    }

    private static async Task<int> RunAsync(HostSettings settings, int sample, long seed, bool json, CancellationToken cancel)
    {
        if (sample is < 0 or > SampleMax) throw new SettingsException($"--sample {sample}: give 0 to {SampleMax}.");
        if (!settings.HasKafka) throw Exits.NoAddress("Kafka", "--kafka");
        if (!settings.HasClickHouse) throw Exits.NoAddress("ClickHouse", "--clickhouse http://");
        if (sample > 0 && !settings.HasRedis) throw Exits.NoAddress("Redis", "--redis");
        var rules = settings.Rules is { } file ? RuleSet.Load(file) : RuleSet.Empty;
        using var clickHouse = new ClickHouseClient(settings.ClickHouse);
        await ClickHouseMigrations.ApplyAsync(clickHouse, cancel);
        var delivery = await DeliveryAsync(settings, clickHouse, cancel);
        var customers = sample == 0 ? null : await CustomersAsync(settings, clickHouse, rules, sample, seed, cancel);
        if (json) Console.WriteLine(JsonSerializer.Serialize(new { delivery, customers }, ResultTable.Json));
        else Write(delivery, customers, seed);
        return delivery.Differences + (customers?.Differences ?? 0) == 0 ? Exits.Done : Exits.Failed;
    }

    private static async Task<DeliveryResult> DeliveryAsync(HostSettings settings, ClickHouseClient clickHouse, CancellationToken cancel)
    {
        using var kafka = await CommittedRecords.OpenAsync(settings.Kafka, TimeProvider.System);
        var open = new List<IDisposable>();
        try
        {
            var schemas = RunSchemas.Connect(settings, NullLoggerFactory.Instance, open.Add);
            return await new DeliveryAudit(kafka, clickHouse, settings, schemas, TimeProvider.System).RunAsync(cancel);
        }
        finally
        {
            foreach (var part in open) part.Dispose();
        }
    }

    private static async Task<AuditResult> CustomersAsync(
        HostSettings settings, ClickHouseClient clickHouse, RuleSet rules, int sample, long seed, CancellationToken cancel)
    {
        await using var redis = await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel);
        return await new CustomerSample(clickHouse, redis, rules, TimeProvider.System).RunAsync(sample, seed, cancel);
    }

    private static void Write(DeliveryResult delivery, AuditResult? customers, long seed)
    {
        Write(delivery.Partitions);
        foreach (var fault in delivery.Faults)
            Console.Error.WriteLine($"{fault.Topic}[{fault.Partition}] offset {fault.Offset} index {fault.Index}: {fault.What}");
        foreach (var topic in delivery.Recreated)
            Console.Error.WriteLine($"{topic} was created again since the group committed: not compared.");
        if (customers is null) return;
        foreach (var rule in customers.Rules)
            foreach (var found in rule.Samples) Console.Error.WriteLine($"{rule.Rule} {found}");
        Console.Error.WriteLine(
            $"{Number(customers.Customers)} customers of seed {seed} compared: {Number(customers.Differences)} differences, "
            + $"{Number(customers.InMotion)} in motion.");
    }

    private static void Write(IReadOnlyList<DeliveryCount> partitions)
    {
        string[] columns =
        [
            "topic", "partition", "committed", "records", "gaps", "rows", "duplicates", "letters", "repeats",
            "lost", "doubled", "invented", "orphaned",
        ];
        var table = new ResultTable(columns) { Numbers = columns[1..] };
        foreach (var p in partitions)
        {
            long[] counts =
            [
                p.Committed, p.Records, p.Gaps, p.Rows, p.Duplicates, p.Letters, p.Repeats, p.Lost, p.Doubled, p.Invented, p.Orphaned,
            ];
            table.Add([p.Topic, $"{p.Partition}", .. counts.Select(Number)]);
        }
        table.Write();
    }

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
