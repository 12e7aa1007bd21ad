using System.Text.Json;
using ScrmStream.Pipeline.Files;

namespace ScrmStream.Host.Mapping;

/// <summary>Writes one part of an event from a row; returns why that is not possible, or null.</summary>
internal delegate string? MappedField(SourceRow row, Utf8JsonWriter json);

/// <summary>Rows left out on purpose: those whose column holds one of the values, or with <c>not_in</c> none of them.</summary>
internal sealed record SkipCondition(int Column, byte[][] Values, bool IsNegated)
{
    public bool Matches(SourceRow row)
    {
        var text = row[Column];
        foreach (var value in Values)
        {
            if (text.SequenceEqual(value)) return !IsNegated;
        }
        return IsNegated;
    }
}

/// <summary>
/// How the rows of a CSV or NDJSON file become canonical events; read from a file of schemas/mappings. Not changed once read.
/// Transforms of several files may run at once only with a mapping each, because templates keep a buffer.
/// </summary>
public sealed class EventMapping
{
    internal EventMapping(MappingSource source, IReadOnlyList<MappedField> fields, IReadOnlyList<SkipCondition> skips)
    {
        Source = source;
        Fields = fields;
        Skips = skips;
    }

    /// <summary>Of times that state no offset, and of dates on the command line; null when the mapping states none.</summary>
    public TimeZoneInfo? TimeZone => Source.TimeZone;

    internal MappingSource Source { get; }

    internal IReadOnlyList<MappedField> Fields { get; }

    internal IReadOnlyList<SkipCondition> Skips { get; }

    /// <summary>The mapping as readers of files take it.</summary>
    public RowMapping ToRowMapping() => new(Source.IsCsv, path => new RowMapper(this, path).Map);
}

/// <summary>What the rows look like.</summary>
/// <param name="Columns">Of a CSV without a header: its columns; else empty.</param>
/// <param name="Used">The columns that the mapping names, by their number.</param>
internal sealed record MappingSource(
    bool IsCsv, bool HasHeader, byte Delimiter, IReadOnlyList<string> Columns, IReadOnlyList<string> Used, TimeZoneInfo? TimeZone);
