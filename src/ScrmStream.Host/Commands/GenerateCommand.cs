using System.CommandLine;
using System.Globalization;
using ScrmStream.Host.Generation;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream generate</c>: events by seed, to a topic or into a file.</summary>
public static class GenerateCommand
{
    public static Command Create()
    {
        var defaults = new PetShopOptions();
        var servers = new ServerOptions();
        var events = new Option<int>("--events")
        {
            Description = "Events, bad and repeated ones included.", DefaultValueFactory = _ => defaults.Events,
        };
        var people = new Option<int>("--people") { Description = "People, beside passers-by; 0 takes a tenth of the events." };
        var seed = new Option<int>("--seed") { DefaultValueFactory = _ => defaults.Seed, Description = "The same seed, the same events." };
        var start = new Option<string?>("--start") { Description = "When the story begins, ISO 8601; default 2026-03-01T00:00:00+08:00." };
        var days = new Option<int>("--days") { Description = "How many days the story goes on.", DefaultValueFactory = _ => defaults.Days };
        var bad = new Option<double>("--bad") { Description = "Share of bad events on top of the story's own, 0 to 0.9." };
        var late = new Option<double>("--late")
            { Description = "Share of visits that come minutes to days late, 0 to 1.", DefaultValueFactory = _ => defaults.LateShare };
        var skew = new Option<double>("--skew")
        {
            Description = "Share of the visits that the busiest tenth of the people makes, 0 to 1.",
            DefaultValueFactory = _ => defaults.Skew,
        };
        var story = new Option<string>("--story") { Description = "What to tell: petshop.", DefaultValueFactory = _ => "petshop" };
        story.AcceptOnlyFromAmong("petshop");
        var topic = new Option<string?>("--topic") { Description = "Topic to publish to; made when missing." };
        var output = new Option<string?>("--output") { Description = "File to write instead, NDJSON; .gz packs it." };
        var rate = new Option<int>("--rate") { Description = "Records per second to a topic; 0 is as fast as it goes." };
        var partitions = new Option<int?>("--partitions") { Description = "Partitions of the topic when it has to be made; default 4." };
        var truth = new Option<string?>("--truth") { Description = "File (JSON) for what a right engine must find in the events." };
        var command = new Command("generate", "Makes a campaign's events by seed: a pet shop, four channels, people who log in late.")
        {
            events, people, seed, start, days, bad, late, skew, story, topic, output, rate, partitions, truth,
        };
        servers.AddTo(command, kafka: true);
        command.Runs(async (parsed, cancel) =>
        {
            var (toTopic, toFile) = (parsed.GetValue(topic), parsed.GetValue(output));
            if (toTopic is null == toFile is null) throw new SettingsException("Give one of --topic NAME and --output FILE.");
            var options = new PetShopOptions
            {
                Events = parsed.GetValue(events), People = parsed.GetValue(people), Seed = parsed.GetValue(seed),
                Days = parsed.GetValue(days), Start = Start(parsed.GetValue(start)) ?? defaults.Start,
                BadShare = parsed.GetValue(bad), LateShare = parsed.GetValue(late), Skew = parsed.GetValue(skew),
                HasFarAheadEvents = toTopic is not null,
            };
            var truthFile = parsed.GetValue(truth);
            var generator = new PetShopGenerator(options, withTruth: truthFile is not null);
            if (toFile is not null) Console.WriteLine((await WriteAsync(generator, toFile, cancel)).ToText(toFile));
            else
            {
                var settings = servers.Load(parsed);
                if (parsed.GetValue(partitions) is { } count) settings.Kafka.NewTopicPartitions = count;
                Console.WriteLine((await PublishAsync(generator, settings, toTopic!, parsed.GetValue(rate), cancel)).ToText(toTopic!));
            }
            if (truthFile is null) return Exits.Done;
            await WriteFileAsync(truthFile, "--truth", () => File.WriteAllTextAsync(truthFile, generator.Truth().ToJson() + "\n", cancel));
            return Exits.Done;
        });
        return command;
    }

    private static async Task<GenerateResult> PublishAsync(
        PetShopGenerator generator, HostSettings settings, string topic, int rate, CancellationToken cancel)
    {
        if (rate < 0) throw new SettingsException($"--rate {rate}: give a number that is not negative.");
        if (!settings.HasKafka) throw Exits.NoAddress("Kafka", "--kafka");
        using var publisher = await KafkaPublisher.OpenAsync(settings.Kafka);
        return await new GenerateJob(generator, TimeProvider.System).PublishAsync(publisher, topic, rate, cancel);
    }

    private static async Task<GenerateResult> WriteAsync(PetShopGenerator generator, string path, CancellationToken cancel)
    {
        GenerateResult? result = null;
        var job = new GenerateJob(generator, TimeProvider.System);
        await WriteFileAsync(path, "--output", async () => result = await job.WriteAsync(path, cancel));
        return result!;
    }

    private static async Task WriteFileAsync(string path, string option, Func<Task> write)
    {
        try
        {
            await write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"{option} {path} cannot be written: {e.Message}");
        }
    }

    private static DateTimeOffset? Start(string? text)
    {
        if (text is null) return null;
        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var start)) return start;
        throw new SettingsException($"--start '{text}': give a time such as 2026-03-01T00:00:00+08:00.");
    }
}
