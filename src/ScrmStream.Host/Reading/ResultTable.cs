using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;

namespace ScrmStream.Host.Reading;

/// <summary>
/// Rows for people and programs: a table on a terminal, tab-separated lines without a header where standard output is redirected, CSV
/// with a header on demand. One thread.
/// </summary>
public sealed class ResultTable(params string[] columns)
{
    /// <summary>JSON as every verb writes it: text as it is, not escaped to ASCII.</summary>
    public static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly List<string[]> _rows = [];

    /// <summary>Columns whose texts are set flush right on a terminal.</summary>
    public string[] Numbers { get; init; } = [];

    /// <summary>Columns that may take several lines on a terminal; the others never break.</summary>
    public string[] Wraps { get; init; } = [];

    public int Count => _rows.Count;

    /// <param name="cells">As many as there are columns.</param>
    public void Add(params string[] cells)
    {
        if (cells.Length != columns.Length) throw new ArgumentException($"A row has {columns.Length} cells, not {cells.Length}.",
            nameof(cells));
        _rows.Add(cells);
    }

    /// <summary>Writes for whoever reads standard output.</summary>
    public void Write()
    {
        if (Console.IsOutputRedirected) Console.Out.Write(ToTsv());
        else AnsiConsole.Write(ToTable());
    }

    /// <summary>RFC 4180, with a header.</summary>
    public string ToCsv() => Lines([columns, .. _rows], ",", Quote);

    /// <summary>Tab-separated, as ClickHouse writes it: no header; tab, line feed and backslash escaped.</summary>
    public string ToTsv() => Lines(_rows, "\t", Escape);

    private string Lines(IEnumerable<string[]> rows, string separator, Func<string, string> cell)
    {
        var text = new StringBuilder();
        foreach (var row in rows) text.AppendJoin(separator, row.Select(cell)).Append('\n');
        return text.ToString();
    }

    private Table ToTable()
    {
        var table = new Table { Border = TableBorder.Rounded };
        foreach (var column in columns)
        {
            var header = new TableColumn($"[bold]{Markup.Escape(column)}[/]") { NoWrap = !Wraps.Contains(column) };
            table.AddColumn(Numbers.Contains(column) ? header.RightAligned() : header);
        }
        foreach (var row in _rows) table.AddRow(row.Select(c => new Markup(Markup.Escape(Harmless(c)))));
        return table;
    }

    /// <summary>Text of strangers for a terminal: a control character, which could steer it, is shown as a dot; line feeds stay.</summary>
    public static string Harmless(string cell) =>
        cell.Any(IsSteering) ? string.Concat(cell.Select(c => IsSteering(c) ? '·' : c)) : cell;

    private static bool IsSteering(char c) => char.IsControl(c) && c != '\n';

    private static string Quote(string cell) =>
        cell.AsSpan().IndexOfAny(",\"\r\n") < 0 ? cell : $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string Escape(string cell) => cell.AsSpan().IndexOfAny('\t', '\n', '\\') < 0 ? cell : cell
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);
}
