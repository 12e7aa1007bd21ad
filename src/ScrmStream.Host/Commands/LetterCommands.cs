using System.CommandLine;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ScrmStream.Host.Generation;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;

namespace ScrmStream.Host.Commands;

/// <summary><c>dead-letters show</c> and <c>dead-letters replay</c>: what works on the dead-letter topic itself.</summary>
internal static class LetterCommands
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Command Show()
    {
        var servers = new ServerOptions();
        var place = new Argument<string>("PLACE")
            { Description = "Where the record was: TOPIC/PARTITION/OFFSET, and /INDEX for one event of it; \"list\" shows all four." };
        var command = new Command("show", "Shows letters in full, as JSON: every byte, header and coordinate.") { place };
        servers.AddTo(command, kafka: true);
        command.Runs((parsed, cancel) => ShowAsync(Kafka(servers, parsed), parsed.GetValue(place)!, cancel));
        return command;
    }

    public static Command Replay(string[] reasons)
    {
        var servers = new ServerOptions();
        var reason = new Option<string?>("--reason") { Description = "Only those set aside for this reason." };
        reason.AcceptOnlyFromAmong(reasons);
        var topic = new Option<string?>("--topic") { Description = "Only those that came from this topic." };
        var to = new Option<string?>("--to") { Description = "Puts them on this topic instead of back where they came from." };
        var limit = new Option<long>("--limit") { Description = "At most so many.", DefaultValueFactory = _ => long.MaxValue };
        var replays = new Option<int>("--replays-max")
        {
            Description = "Records that were put back so often already, and rejected again, stay where they are.",
            DefaultValueFactory = _ => 1,
        };
        var trial = new Option<bool>("--dry-run") { Description = "Says what would be put back, and does nothing." };
        var format = new Option<string>("--format") { DefaultValueFactory = _ => "text", Description = "Of the last line: text or json." };
        format.AcceptOnlyFromAmong("text", "json");
        var command = new Command(
            "replay", "Puts records back on the topics they came from, each exactly once; a second run puts nothing back.")
            { reason, topic, to, limit, replays, trial, format };
        servers.AddTo(command, kafka: true);
        command.Runs((parsed, cancel) =>
        {
            if (parsed.GetValue(replays) < 1) throw new SettingsException($"--replays-max {parsed.GetValue(replays)}: give at least 1.");
            if (parsed.GetValue(limit) < 1) throw new SettingsException($"--limit {parsed.GetValue(limit)}: give at least 1.");
            var selection = new ReplaySelection(
                parsed.GetValue(reason), parsed.GetValue(topic), parsed.GetValue(replays), parsed.GetValue(limit), parsed.GetValue(to));
            return ReplayAsync(Kafka(servers, parsed), selection, parsed.GetValue(trial), parsed.GetValue(format) == "json", cancel);
        });
        return command;
    }

    private static KafkaOptions Kafka(ServerOptions servers, ParseResult parsed)
    {
        var settings = servers.Load(parsed);
        return settings.HasKafka ? settings.Kafka : throw Exits.NoAddress("Kafka", "--kafka");
    }

    private static async Task<int> ShowAsync(KafkaOptions kafka, string place, CancellationToken cancel)
    {
        using var replay = await DeadLetterReplay.OpenAsync(kafka, isTrial: true);
        var done = await replay.PutBackAsync(cancel);
        var found = new Dictionary<string, StoredLetter>();
        await foreach (var letter in replay.LettersAsync(cancel))
        {
            if (letter.Place == place || letter.Place.StartsWith($"{place}/", StringComparison.Ordinal)) found[letter.Origin] = letter;
        }
        foreach (var letter in found.Values) Console.WriteLine(JsonSerializer.Serialize(Shown(letter, done.Contains(letter.Origin)), Json));
        if (found.Count > 0) return Exits.Done;
        Console.Error.WriteLine($"scrmstream: topic {kafka.DeadLetterTopic} has no letter of {place}; \"dead-letters list\" shows places.");
        return Exits.Failed;
    }

    private static object Shown(StoredLetter letter, bool isPutBack) => new
    {
        letter.Reason, letter.Detail, letter.Topic, letter.TopicId, letter.Partition, letter.Offset, letter.Index,
        Timestamp = letter.TimestampMs, Part = letter.IsWholeRecord ? "record" : "event", letter.IsCut, letter.Replays, letter.FirstOrigin,
        PutBack = isPutBack, Key = Text(letter.Key),
        Headers = letter.OwnHeaders.Select(h => new { h.Name, Value = Text(h.Value) }), Value = Text(letter.Value),
    };

    // Bytes that are no text are shown as base64 with a word before them.
    private static string? Text(byte[]? bytes)
    {
        if (bytes is null) return null;
        return System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : $"base64:{Convert.ToBase64String(bytes)}";
    }

    private static async Task<int> ReplayAsync(
        KafkaOptions kafka, ReplaySelection selection, bool isTrial, bool json, CancellationToken cancel)
    {
        using var replay = await DeadLetterReplay.OpenAsync(kafka, isTrial);
        var line = new ProgressLine(TimeProvider.System);
        var result = await replay.RunAsync(selection, now => line.Tick(() => $"{now.PutBack:N0} put back"), cancel);
        line.Close();
        Console.WriteLine(json ? result.ToJson() : Said(result, isTrial));
        return Exits.Done;
    }

    private static string Said(ReplayResult r, bool isTrial)
    {
        (long Count, string What)[] rest =
        [
            (r.Already, "put back before"), (r.RejectedAgain, "put back before and rejected again"), (r.Cut, "kept only in part"),
            (r.Inseparable, "part of a record that cannot be divided"), (r.TopicGone, "of a topic that is gone"), (r.Left, "not selected"),
        ];
        var what = isTrial ? "would be put back" : "put back";
        var others = rest.Where(o => o.Count > 0).Select(o => FormattableString.Invariant($", {o.Count:N0} {o.What}"));
        return FormattableString.Invariant($"{r.PutBack:N0} of {r.Letters:N0} letters {what}") + string.Concat(others);
    }
}
