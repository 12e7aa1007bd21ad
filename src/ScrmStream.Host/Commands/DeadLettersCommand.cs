using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ScrmStream.ClickHouse;
using ScrmStream.Events;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Settings;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream dead-letters</c>: the records that were set aside.</summary>
internal static class DeadLettersCommand
{
    private const int LimitMax = 100_000, RawShown = 60;

    private static readonly string[] Reasons = Array.ConvertAll(Enum.GetNames<RejectReason>(), JsonNamingPolicy.SnakeCaseLower.ConvertName);

    public static Command Create() =>
        new("dead-letters", "Records and events that could not be accepted, kept with their bytes and the reason.")
            { List(), LetterCommands.Show(), LetterCommands.Replay(Reasons) };

    private static Command List()
    {
        var servers = new ServerOptions();
        var reason = new Option<string?>("--reason")
            { Description = $"Only those set aside for this reason: {string.Join(", ", Reasons)}." };
        reason.AcceptOnlyFromAmong(Reasons);
        var limit = new Option<int>("--limit")
            { Description = $"How many, 1 to {LimitMax}; the latest come first.", DefaultValueFactory = _ => 20 };
        var format = FormatOption.Of(FormatOption.Json, FormatOption.Csv);
        var command = new Command("list", "Lists dead letters, the latest first: where each came from, why it was refused, and how it "
            + "starts.") { reason, limit, format };
        servers.AddTo(command, clickHouse: true);
        command.Runs((parsed, cancel) => ClickHouseErrors.GuardAsync(
            () => RunAsync(servers.Load(parsed), parsed.GetValue(reason), parsed.GetValue(limit), parsed.GetValue(format), cancel)));
        return command;
    }

    private static async Task<int> RunAsync(HostSettings settings, string? reason, int limit, string? format, CancellationToken cancel)
    {
        if (limit is < 1 or > LimitMax) throw new SettingsException($"--limit {limit}: give 1 to {LimitMax}.");
        if (!settings.HasClickHouse) throw Exits.NoAddress("ClickHouse", "--clickhouse http://");
        using var client = new ClickHouseClient(settings.ClickHouse);
        // The reason is one of our own words: nothing to quote.
        var where = reason is null ? "" : $"WHERE reason = '{reason}'";
        var rows = await ResultRows.ReadAsync(
            client,
            $"""
            SELECT topic, partition, offset, `index`, ifNull(toUnixTimestamp64Milli(record_time), 0), reason, detail, raw
            FROM dead_letters {where} ORDER BY record_time DESC, topic, partition, offset DESC, `index` DESC LIMIT {limit}
            """, cancel);
        Write(rows.ConvertAll(Letter), format);
        return Exits.Done;
    }

    private sealed record Row(
        string Topic, int Partition, long Offset, int Index, long RecordTime, string Reason, string Detail, string Raw);

    private static Row Letter(JsonElement[] row) => new(
        row[0].GetString()!, row[1].GetInt32(), ResultRows.Long(row[2]), row[3].GetInt32(), ResultRows.Long(row[4]),
        row[5].GetString()!, row[6].GetString()!, row[7].GetString()!);

    private static void Write(List<Row> letters, string? format)
    {
        if (format == FormatOption.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(letters, ResultTable.Json));
            return;
        }
        var table = new ResultTable("topic", "partition", "offset", "index", "time", "reason", "detail", "raw")
        {
            Numbers = ["partition", "offset", "index"], Wraps = ["detail", "raw"],
        };
        var forPeople = format is null && !Console.IsOutputRedirected;
        foreach (var l in letters)
        {
            var time = forPeople && l.RecordTime > 0 ? TimeText.Show(l.RecordTime) : l.RecordTime.ToString(CultureInfo.InvariantCulture);
            var raw = forPeople && l.Raw.Length > RawShown ? l.Raw[..RawShown] + "..." : l.Raw;
            table.Add(l.Topic, $"{l.Partition}", $"{l.Offset}", $"{l.Index}", time, l.Reason, l.Detail, raw);
        }
        if (format == FormatOption.Csv) Console.Out.Write(table.ToCsv());
        else table.Write();
        if (letters.Count == 0) Console.Error.WriteLine("No dead letters.");
    }
}
