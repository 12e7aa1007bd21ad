using System.CommandLine;
using System.Text;
using System.Text.Json;
using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Queries;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Settings;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream sql</c>: any query on the event tables.</summary>
internal static class SqlCommand
{
    public static Command Create()
    {
        var servers = new ServerOptions();
        var query = new Argument<string>("query")
            { Description = "ClickHouse SQL in the namespace's database; - reads it from standard input." };
        var format = FormatOption.Of(FormatOption.Json, FormatOption.Csv, FormatOption.Table, FormatOption.Tsv);
        format.Description = "json (array of rows), csv (with header), table, or tsv (no header); default: table on a terminal, else tsv.";
        var command = new Command("sql",
            "Runs a query on the event tables. Read events (as they came), events_resolved (with the customer as known now), "
            + "events_resolved_at(known_at = TIME), identity_map, identity_history, tag_changes, score_changes and dead_letters.")
            { query, format };
        servers.AddTo(command, clickHouse: true);
        command.Runs((parsed, cancel) => ClickHouseErrors.GuardAsync(
            () => RunAsync(servers.Load(parsed), parsed.GetValue(query)!, parsed.GetValue(format), cancel)));
        return command;
    }

    private static async Task<int> RunAsync(HostSettings settings, string query, string? format, CancellationToken cancel)
    {
        if (!settings.HasClickHouse) throw Exits.NoAddress("ClickHouse", "--clickhouse http://");
        var sql = query == "-" ? await Console.In.ReadToEndAsync(cancel) : query;
        if (string.IsNullOrWhiteSpace(sql)) throw new SettingsException("The query is empty.");
        using var client = new ClickHouseClient(settings.ClickHouse);
        format ??= Console.IsOutputRedirected ? FormatOption.Tsv : FormatOption.Table;
        await using var output = Console.OpenStandardOutput();
        if (format == FormatOption.Json)
        {
            await WriteJsonAsync(client, sql, output, cancel);
            return Exits.Done;
        }
        var serverFormat = format switch
        {
            FormatOption.Csv => "CSVWithNames",
            FormatOption.Tsv => "TabSeparated",
            _ => "PrettyCompactMonoBlock",
        };
        await SqlQuery.CopyAsync(client, sql, serverFormat, output, cancel);
        return Exits.Done;
    }

    // The rows alone, as an array; what is not of that form (the query names a format itself) is passed on as it is.
    private static async Task WriteJsonAsync(ClickHouseClient client, string sql, Stream output, CancellationToken cancel)
    {
        var answer = await client.QueryAsync(sql, "JSON", cancel);
        var rows = Rows(answer) is { } data ? Encoding.UTF8.GetBytes(data + "\n") : answer;
        await output.WriteAsync(rows, cancel);
    }

    private static string? Rows(byte[] answer)
    {
        try
        {
            using var json = JsonDocument.Parse(answer);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("data", out var data)
                ? JsonSerializer.Serialize(data, ResultTable.Json) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
