using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using ScrmStream.Host.Mapping;
using ScrmStream.Pipeline.Files;

namespace ScrmStream.Integration.Files;

/// <summary>What became of one row, for tests of mappings.</summary>
internal sealed record MappedRow(RowResult Result, string Value, string? Reason);

/// <summary>Mappings applied to rows that stand in a test.</summary>
internal static class MappingFixture
{
    public static string Schemas([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../schemas"));

    public static List<MappedRow> Map(EventMapping mapping, params string[] rows) => Map(mapping, Array.ConvertAll(rows, Encoding.UTF8.GetBytes));

    public static List<MappedRow> Map(EventMapping mapping, params byte[][] rows)
    {
        var transform = mapping.ToRowMapping().Open("test.csv");
        List<MappedRow> results = [];
        foreach (var row in rows)
        {
            var value = new ArrayBufferWriter<byte>();
            var result = transform(row, value, out var reason);
            Assert.Equal(result == RowResult.Refused, reason is not null);
            results.Add(new MappedRow(result, result == RowResult.Mapped ? Encoding.UTF8.GetString(value.WrittenSpan) : "", reason));
        }
        return results;
    }

    /// <summary>A mapping of CSV columns a, b, c whose event has these further fields.</summary>
    public static EventMapping Abc(string fields = "", string head = "") => MappingFile.Parse(
        $$"""
        format: csv
        header: false
        columns: [a, b, c]
        {{head}}
        event:
          event: "{a}"
          event_time: { value: "{b}", format: unix_ms }
          identifiers: [{ kind: cookie, value: "{c}" }]
        {{string.Join('\n', fields.Split('\n').Select(line => "  " + line))}}
        """,
        "abc.yaml");
}
