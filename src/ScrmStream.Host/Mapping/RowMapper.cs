using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using ScrmStream.Host.Settings;
using ScrmStream.Pipeline.Files;

namespace ScrmStream.Host.Mapping;

/// <summary>Applies a mapping to the rows of one file.</summary>
internal sealed class RowMapper
{
    private static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly EventMapping _mapping;
    private readonly MappingSource _source;
    private readonly string _path;
    private readonly SourceRow _row = new();
    private readonly Utf8JsonWriter _json = new(Stream.Null, Format);
    private int _columnCount;
    private bool _needsHeader;

    public RowMapper(EventMapping mapping, string path)
    {
        _mapping = mapping;
        _source = mapping.Source;
        _path = path;
        _needsHeader = _source.HasHeader;
        if (_source.IsCsv && !_needsHeader) Bind([.. _source.Columns]);
        else if (!_source.IsCsv) _row.Positions = [.. Enumerable.Range(0, _source.Used.Count)];
    }

    /// <exception cref="SettingsException">The file's header lacks a column that the mapping names.</exception>
    public RowResult Map(ReadOnlySpan<byte> row, IBufferWriter<byte> value, out string? reason)
    {
        reason = Split(row);
        if (reason is not null) return RowResult.Refused;
        if (_needsHeader)
        {
            TakeHeader();
            return RowResult.Header;
        }
        foreach (var skip in _mapping.Skips)
        {
            if (skip.Matches(_row)) return RowResult.Skipped;
        }
        reason = Write(value);
        return reason is null ? RowResult.Mapped : RowResult.Refused;
    }

    private string? Split(ReadOnlySpan<byte> row)
    {
        if (!Utf8.IsValid(row)) return "not valid UTF-8";
        if (!_source.IsCsv) return JsonFields.Take(row, _source.Used, _row);
        var reason = CsvFields.Split(row, _source.Delimiter, _row);
        if (reason is not null || _needsHeader || _row.Count == _columnCount) return reason;
        return $"{_row.Count} columns instead of {_columnCount}";
    }

    private string? Write(IBufferWriter<byte> value)
    {
        _json.Reset(value);
        _json.WriteStartObject();
        foreach (var field in _mapping.Fields)
        {
            if (field(_row, _json) is { } reason) return reason;
        }
        _json.WriteEndObject();
        _json.Flush();
        return null;
    }

    private void TakeHeader()
    {
        Bind([.. Enumerable.Range(0, _row.Count).Select(i => Encoding.UTF8.GetString(_row.Field(i)))]);
        _needsHeader = false;
    }

    private void Bind(List<string> columns)
    {
        _columnCount = columns.Count;
        _row.Positions = [.. _source.Used.Select(PositionOf)];

        int PositionOf(string name)
        {
            var position = columns.IndexOf(name);
            var isOne = position >= 0 && columns.LastIndexOf(name) == position;
            if (isOne) return position;
            throw new SettingsException(position < 0
                ? $"{_path} has no column '{name}', which the mapping names; it has {string.Join(", ", columns)}."
                : $"{_path} has more than one column '{name}', which the mapping names.");
        }
    }
}
