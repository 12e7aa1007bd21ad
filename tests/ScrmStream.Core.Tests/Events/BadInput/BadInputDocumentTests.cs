using System.Text.RegularExpressions;
using ScrmStream.Events;
using ScrmStream.Tests.Tidy;

namespace ScrmStream.Tests.Events.BadInput;

/// <summary>docs/bad-input.md says what each input gets; every line of it is run here, and there is no case without a line.</summary>
public sealed partial class BadInputDocumentTests
{
    // Characters that nobody sees are spelled out in the tables.
    private static readonly (string Written, string Meant)[] Spelled = [("␀", "\0"), ("⟨RLO⟩", "\u202E")];
    private const int FactCharacters = 80, FactsShown = 20;

    private sealed record Line(string Case, string Gets, string[] KeptAs);

    [Fact]
    public async Task EveryLine_GetsWhatTheDocumentSays()
    {
        List<string> wrong = [];
        foreach (var line in Lines())
        {
            if (!BadInputCorpus.All.TryGetValue(line.Case, out var input))
            {
                wrong.Add($"{line.Case}: no such case");
                continue;
            }
            var run = await BadInputRun.OfAsync(input.Records, input.TimestampMs);
            AssertAccounted(line.Case, input, run);
            var kept = run.Facts.Count > FactsShown ? [] : run.Facts.Select(Short).ToArray();
            if (run.Outcome() == line.Gets && kept.SequenceEqual(line.KeptAs)) continue;
            wrong.Add($"{line.Case} | {run.Outcome()} | {string.Join(" ", kept.Select(f => $"`{f}`"))} | detail: {run.Letters.FirstOrDefault()?.Detail}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void EveryCase_HasOneLine() =>
        Assert.Equal(BadInputCorpus.All.Keys.Order(StringComparer.Ordinal), Lines().Select(l => l.Case).Order(StringComparer.Ordinal));

    [Fact]
    public void EveryReason_HasALineInTheOperatorsDocument()
    {
        var text = File.ReadAllText(Repository.Full("docs/operations/dead-letters.md"));
        foreach (var reason in Enum.GetNames<RejectReason>().Select(System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName))
            Assert.Contains($"\n| `{reason}` |", text);
    }

    // Every event is accepted or rejected, every rejected one but a duplicate has a letter, and letters hold the bytes that came.
    private static void AssertAccounted(string name, BadInputCase input, BadInputRun run)
    {
        var counters = run.Counters;
        Assert.True(counters.DurableRecords == input.Records.Length, name);
        Assert.True(counters.Accepted + counters.Rejected == counters.DurableEvents, name);
        Assert.True(run.Letters.Count == counters.Rejected - counters.RejectedBy(RejectReason.Duplicate), name);
        foreach (var letter in run.Letters)
        {
            var record = input.Records[letter.Offset];
            Assert.True(letter.Detail.Length > 0, name);
            Assert.True(letter.Index >= 0 || letter.IsWholeRecord, name);
            if (letter.IsWholeRecord) Assert.True(record.AsSpan().SequenceEqual(letter.Raw), name);
            else Assert.True(record.AsSpan().IndexOf(letter.Raw) >= 0 && letter.Raw.Length > 0, name);
        }
    }

    private static List<Line> Lines()
    {
        var text = File.ReadAllText(Repository.Full("docs/bad-input.md"));
        List<Line> lines = [];
        foreach (Match row in Row().Matches(text))
        {
            var cells = row.Groups[2].Value.Split('|', StringSplitOptions.TrimEntries);
            var kept = Code().Matches(cells[2]).Select(m => Meant(m.Groups[1].Value)).ToArray();
            lines.Add(new Line(row.Groups[1].Value, cells[1], kept));
        }
        return lines;
    }

    private static string Short(string fact) => fact.Length <= FactCharacters ? fact : fact[..(FactCharacters - 3)] + "...";

    private static string Meant(string written) => Spelled.Aggregate(written, (text, s) => text.Replace(s.Written, s.Meant));

    // | `case` | what arrives | gets | kept as |
    [GeneratedRegex(@"^\| `([\w-]+)` \|(.*)\|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`([^`]*)`")]
    private static partial Regex Code();
}
